"""A folder as S3: its folders are buckets. Serves `S3Object` in requests, and GET and HEAD for an S3 client.

In: bucket and key. Out: bytes, or S3's own error in XML. Nothing outside the folder can be named.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route


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

    def routes(self) -> list[Route]:
        """S3's GET and HEAD of an object, and HEAD of a bucket, in path style."""
        return [
            Route("/{bucket}", self._head_bucket, methods=["HEAD"]),
            Route("/{bucket}/{key:path}", self._object, methods=["GET", "HEAD"]),
        ]

    async def _head_bucket(self, request: Request) -> Response:
        return Response(status_code=200 if self.bucket(request.path_params["bucket"]) else 404)

    async def _object(self, request: Request) -> Response:
        bucket, key = request.path_params["bucket"], request.path_params["key"]
        path = self.find(bucket, key)
        if path is None:
            missing = "NoSuchKey" if self.bucket(bucket) else "NoSuchBucket"
            return _error(404, missing, f"The specified {'key' if missing == 'NoSuchKey' else 'bucket'} does not exist.", key)
        facts = path.stat()
        mark = hashlib.sha256(f"{facts.st_mtime_ns}-{facts.st_size}".encode()).hexdigest()[:32]
        return FileResponse(path, headers={"ETag": f'"{mark}"'}, media_type="binary/octet-stream")


def _error(status: int, code: str, message: str, key: str) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><Key>{escape(key)}</Key></Error>"
    )
    return Response(body, status, media_type="application/xml")
