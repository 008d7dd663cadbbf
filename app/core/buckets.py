"""Which buckets the operator lets clients name. Pure; asked by whoever reads an object or hands a request on that names one.

A bucket is read with the operator's credentials, so a name that a client writes must never lead anywhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

# The pattern of S3Object.Bucket in Rekognition's service model. It leaves out ARNs, which would lead past the bucket's name.
_BUCKET_NAME = re.compile(r"[0-9A-Za-z.\-_]{3,255}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AllowedBuckets:
    """`patterns`: exact names, or patterns with `*` and `?`; empty: none."""

    patterns: tuple[str, ...] = ()

    def allow(self, bucket: object) -> bool:
        """Whether a client may name it; anything but a plain name is refused."""
        if not isinstance(bucket, str) or _BUCKET_NAME.fullmatch(bucket) is None:
            return False
        return any(fnmatchcase(bucket, pattern) for pattern in self.patterns)
