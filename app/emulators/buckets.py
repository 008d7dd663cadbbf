"""A folder as object storage: its folders are buckets.

In: bucket and key. Out: files. Nothing outside the folder can be named. Serves the objects that requests name.
"""

from __future__ import annotations

from pathlib import Path


class Buckets:
    """The buckets of one folder; without a folder there are none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else folder.resolve()

    def bucket(self, name: str) -> Path | None:
        """The folder of a bucket that exists."""
        if self._folder is None:
            return None
        path = (self._folder / name).resolve()
        return path if path.parent == self._folder and path.is_dir() else None

    def find(self, bucket: str, key: str) -> Path | None:
        """The file of an object that exists."""
        folder = self.bucket(bucket)
        if folder is None or "\0" in key:
            return None
        path = (folder / key).resolve()
        return path if folder in path.parents and path.is_file() else None
