"""A folder of photographs, of which nothing is known: what the provider finds in each alone is the reference.

Called by `loading`; `SUFFIXES` by `voc`, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.calibration.dataset import DatasetError, Entry, Skip, Unusable

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


class FolderListing:
    """All photographs in and below a folder, by their path in it. Other files are no part of it."""

    has_truth = False

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise DatasetError(f"there is no folder {root}")
        self._root = root
        found = (path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
        self.strays: Sequence[tuple[Skip, str]] = ()
        self.ids: Sequence[str] = sorted(path.relative_to(root).as_posix() for path in found)

    def entry(self, name: str) -> Entry:
        path = self._root / name
        if not path.is_file():  # a link to nowhere
            raise Unusable(Skip.MISSING_IMAGE)
        return Entry(path)
