"""Which detection counts as which class of a data set.

The same thing has many names: VOC and COCO spell six classes differently, vendors speak their own languages (`core.names`),
and recipes write underscores. `class_of` gives one key for all of them. A label whose key is no class of the data set is not
scored. A narrower word is another word: Google's "Man" does not count as a "person".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from app.core.names import NATIVE, spoken

# VOC's word -> COCO's, which is ours in lower case.
_VOC: Mapping[str, str] = MappingProxyType(
    {
        "aeroplane": "airplane",
        "diningtable": "dining table",
        "motorbike": "motorcycle",
        "pottedplant": "potted plant",
        "sofa": "couch",
        "tvmonitor": "tv",
    }
)
# A detector's 80 classes, or a vendor's some thousand labels: each is looked up once.
_KNOWN_LABELS = 4096


@lru_cache(maxsize=_KNOWN_LABELS)
def class_of(label: str, vendor: str = "") -> str:
    """The key of what `vendor` calls `label` ("": a data set or a local model): equal for what means the same."""
    plain = " ".join(label.replace("_", " ").replace("-", " ").split())
    ours = spoken(plain, vendor or NATIVE, NATIVE).lower()
    return _VOC.get(ours, ours)
