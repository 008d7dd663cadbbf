"""From a call to its image: fetched where it is only named, its header inspected, nothing decoded. Called by the pipeline."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from app.clock import Clock
from app.core.model import Picture, Task
from app.errors import Kind, Problem
from app.imaging.decode import is_cheap
from app.imaging.header import inspect
from app.imaging.header import is_plain as is_plain_picture
from app.providers.contract import Capabilities, LinkReader, ObjectStore
from app.wire.contract import Call, InlineImage, LinkedImage
from app.work.pixels import PixelPool


@dataclass(frozen=True, slots=True)
class Image:
    """An image that was let in. `is_plain`: it looks the same to every reader; looked at only where that matters.

    `sha256`: of its bytes, hexadecimal.
    """

    data: bytes
    picture: Picture
    sha256: str
    is_plain: bool = True


@dataclass(frozen=True, slots=True)
class Admission:
    """What every image has to pass before it may meet others. `store`, `links`: how images that are only named are read."""

    capabilities: Capabilities
    pixels: PixelPool
    clock: Clock
    max_pixels: int
    store: ObjectStore | None = None
    links: LinkReader | None = None

    async def admit(self, call: Call, deadline_s: float) -> Image:
        """The call's image. Raises Problem where it, or what is asked of it, cannot be had."""
        self._require_offered(call)
        data = await self._fetch(call, deadline_s)
        picture, sha256 = await self.pixels.ahead(_inspected, data, call.formats, self.max_pixels)
        if call.check is not None:
            call.check(picture)
        is_judged = any(inquiry.feature.task is Task.MODERATE for inquiry in call.inquiries)
        is_plain = not is_judged or await self.pixels.ahead(is_plain_picture, data, picture)
        image = Image(data, picture, sha256, is_plain)
        self._require_affordable(image, call)
        return image

    def _require_offered(self, call: Call) -> None:
        for inquiry in call.inquiries:
            if inquiry.feature not in self.capabilities.names:
                said = inquiry.feature.replace("_", " ")
                raise Problem(Kind.UNKNOWN_OPERATION, f"{said}: not available through this provider")

    def _require_affordable(self, image: Image, call: Call) -> None:
        """What the provider does not read as it is has to be decoded and written anew, also when it goes alone: not at any
        size, because that takes the memory of many others.
        """
        if is_cheap(image.picture):
            return
        found = image.picture.format
        if not all(found in self.capabilities.formats_for(inquiry.feature) for inquiry in call.inquiries):
            raise Problem(Kind.IMAGE_TOO_LARGE, f"a {found} image of so many pixels is not taken: send JPEG or PNG")
        limit_bytes = min(self.capabilities.max_image_bytes[inquiry.feature] for inquiry in call.inquiries)
        if len(image.data) > limit_bytes:
            raise Problem(Kind.IMAGE_TOO_LARGE, f"an image of so many pixels is not taken above {limit_bytes} bytes")

    async def _fetch(self, call: Call, deadline_s: float) -> bytes:
        source = call.source
        if isinstance(source, InlineImage):
            if len(source.data) > call.max_image_bytes:
                raise Problem(Kind.IMAGE_TOO_LARGE, f"the image is larger than {call.max_image_bytes} bytes")
            return source.data
        time_left_s = deadline_s - self.clock.now_s()
        if isinstance(source, LinkedImage):
            if self.links is None:
                raise Problem(Kind.FORBIDDEN, "this server fetches no images")
            return await self.links.read(source.url, max_bytes=call.max_image_bytes, timeout_s=time_left_s)
        if self.store is None:
            raise Problem(Kind.FORBIDDEN, "this server reads images from no bucket")
        return await self.store.read(
            source.bucket, source.name, source.version, max_bytes=call.max_image_bytes, timeout_s=time_left_s
        )


def _inspected(data: bytes, formats: frozenset[str], max_pixels: int) -> tuple[Picture, str]:
    """What the header tells, and what tells equal images. Off the event loop: a large file takes its time."""
    return inspect(data, formats=formats, max_pixels=max_pixels), hashlib.sha256(data).hexdigest()
