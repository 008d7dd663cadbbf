"""glibc's allocator, told to give back what images took. Called once, when a process begins to serve.

By itself glibc keeps a heap for each thread, up to eight per core, and moves buffers of images into these heaps once some have
been freed: memory then rises by steps for hours, although nothing is held. Two heaps are enough for a few threads of pixel
work, and whatever is larger than LARGE_BYTES has pages of its own, which go back when it is freed.
"""

from __future__ import annotations

import ctypes

HEAPS = 2
LARGE_BYTES = 256 * 1024
# Names and numbers of mallopt(3).
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8


def settle() -> bool:
    """Whether there was such an allocator; others (musl's) have no such habits."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(M_ARENA_MAX, HEAPS)) and bool(mallopt(M_MMAP_THRESHOLD, LARGE_BYTES))
