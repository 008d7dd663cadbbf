"""Ids of names: the Knowledge Graph's own where they are generally known (Open Images lists them), made-up ones elsewhere."""

from __future__ import annotations

import zlib

KNOWN_MIDS = {
    "Animal": "/m/0jbk",
    "Bicycle": "/m/0199g",
    "Bird": "/m/015p6",
    "Bottle": "/m/04dr76w",
    "Car": "/m/0k4j",
    "Cat": "/m/01yrx",
    "Chair": "/m/01mzpv",
    "Dog": "/m/0bt9lr",
    "Furniture": "/m/0c_jw",
    "Mammal": "/m/04rky",
    "Person": "/m/01g317",
    "Vehicle": "/m/07yv9",
}


def mid_of(name: str) -> str:
    """The same for the same name, another for another."""
    return KNOWN_MIDS.get(name) or f"/m/0e{zlib.crc32(name.encode()):08x}"
