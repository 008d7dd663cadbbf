"""Tenants whose images are known to be clean, so that their next ones are tested in groups; and pictures to test with.

In: a call that sends one image alone. Out: nothing; after it the estimate of the tenant's stream stands for groups of nine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from app.emulators.meanings import FIRST_UNSAFE_ID
from tests.support.marker_scenes import Placed, plain, stored

# Nobody meets anybody: the vendor's answer about each of these images alone is what the estimate learns from.
ALONE: Mapping[str, str] = {"X-Tessera-Grid": "off"}
GROUP = 9  # TESSERA_MODERATE_GROUP as it comes
_KNOWN_CLEAN = 40
_AT_ONCE = 8

# Emulated kinds of content, by the last digit of a marker's id.
EXPLICIT, GAMBLING, CORPSES, VIOLENCE = (FIRST_UNSAFE_ID + digit for digit in range(4))


def warm_up(send_alone: Callable[[bytes], object]) -> None:
    """The same clean picture again and again, in files that differ by a byte: equal ones would be asked about once."""
    content = clean(0)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for future in [pool.submit(send_alone, content + bytes([number])) for number in range(_KNOWN_CLEAN)]:
            future.result()


def clean(number: int) -> bytes:
    """Something that no vendor minds."""
    return _shown(number, 120)


def unsafe(marker_id: int, side_px: int = 260) -> bytes:
    """So large that every client minds it; smaller content scores lower."""
    return _shown(marker_id, side_px)


def _shown(marker_id: int, side_px: int) -> bytes:
    width_px, height_px = 480, 360
    return stored(plain(width_px, height_px, Placed(marker_id, width_px // 8, height_px // 8, side_px)))
