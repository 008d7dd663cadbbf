"""A folder of buckets as S3: GET and HEAD for an S3 client.

In: HTTP. Out: an object, or S3's own error in XML.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from app.emulators.buckets import Buckets


@dataclass(frozen=True, slots=True)
class Storage:
    """S3's read side, in path style."""

    buckets: Buckets

    def routes(self) -> list[Route]:
        """GET and HEAD of an object, and HEAD of a bucket."""
        return [
            Route("/{bucket}", self._head_bucket, methods=["HEAD"]),
            Route("/{bucket}/{key:path}", self._object, methods=["GET", "HEAD"]),
        ]

    async def _head_bucket(self, request: Request) -> Response:
        return Response(status_code=200 if self.buckets.bucket(request.path_params["bucket"]) else 404)

    async def _object(self, request: Request) -> Response:
        bucket, key = request.path_params["bucket"], request.path_params["key"]
        path = self.buckets.find(bucket, key)
        if path is None:
            missing = "NoSuchKey" if self.buckets.bucket(bucket) else "NoSuchBucket"
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
