"""The share of unsafe images that all processes of all releases know together. Part of `redis.RedisAccumulator`.

A call that takes too long goes on by itself and may still count: nothing is taken back, since it did happen.
"""

from __future__ import annotations

from app.accumulator.shards import Shards
from app.core.prevalence import Prevalence


class RedisPrevalence:
    """Implements `contract.PrevalenceStore` over Redis."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards

    async def seen(self, stream: str, images: int, unsafe: int, judged: float = 0.0, alarms: float = 0.0) -> Prevalence:
        Prevalence().seen(images, unsafe, judged, alarms)  # refuses impossible counts, before they are in the store for all
        return await self._shards.call(self._shards.shared_of(stream).observe(stream, (images, unsafe, judged, alarms)))

    async def read(self, stream: str) -> Prevalence:
        return await self._shards.call(self._shards.shared_of(stream).prevalence(stream))
