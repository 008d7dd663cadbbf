"""What group testing costs: exact expected inferences of the halving rule at a given prevalence, and what it is compared with.

In: group sizes, and the prevalence (share of images that make a group's answer unsafe, independently of each other). Out:
expected inferences, the best sizes. Pure; called by `work.moderate`, `core.grouping` for `work.grouping`, the assembly,
and `tessera bench moderation`.

The rule is that of `core.group_testing`: a flagged group is halved, the smaller half is asked first, the other one as a group
only where the first was flagged too; a single image that has to be asked is asked once, for its own answer. With q = 1 -
prevalence, U(n) the cost of a group of which nothing is known and D(n) of one that holds at least one unsafe image:

    U(1) = D(1) = 1, D(2) = 2                        U(n) = 1 + (1 - q^n) D(n)
    D(n) = 1 + P(a clean) D(b) + P(a unsafe) (D'(a) + U(b))        a = n // 2, b = n - a, D'(1) = 0, else D'(a) = D(a)
    P(a clean) = q^a (1 - q^b) / (1 - q^n)

A pair is two singles: both are asked, whatever the first one says. Halving: Hwang, "A generalized binomial group testing
problem" (1975); one stage: Dorfman, "The detection of defective members of large populations" (1943).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

# Prevalences are told apart to so many decimals: the costs of two neighbours differ by less than 0.0002 inferences per image.
_DECIMALS = 5


def group_cost(size: int, prevalence: float) -> float:
    """Inferences until every image of a group of `size` is cleared or has its own answer. ValueError below 1 image."""
    if size < 1:
        raise ValueError(f"a group has images, not {size}")
    return _costs(size, _rounded(prevalence))[0][size]


def best_group(prevalence: float, largest: int) -> int:
    """The size, 1 to `largest`, with the fewest inferences per image; of equals the smallest."""
    unknown = _costs(largest, _rounded(prevalence))[0]
    return min(range(1, largest + 1), key=lambda size: (unknown[size] / size, size))


def partition(images: int, prevalence: float, largest: int) -> tuple[int, ...]:
    """How to group so many images that are there, largest group first, with the fewest expected inferences in all."""
    return _partition(images, _rounded(prevalence), largest)


def halving_optimum(prevalence: float, largest: int) -> float:
    """Inferences per image of the best group size, forever."""
    best = best_group(prevalence, largest)
    return group_cost(best, prevalence) / best


def dorfman_optimum(prevalence: float, largest: int) -> float:
    """Inferences per image of the best group size when a flagged group is asked one by one; at most 1."""
    sizes = range(2, largest + 1)
    return min([1.0, *(1 / size + 1 - (1 - prevalence) ** size for size in sizes)])


def entropy_bound(prevalence: float) -> float:
    """Tests per image that no scheme of yes-or-no tests can undercut: the binary entropy of the prevalence (Shannon)."""
    if not 0 < prevalence < 1:
        return 0.0
    return -prevalence * math.log2(prevalence) - (1 - prevalence) * math.log2(1 - prevalence)


def _rounded(prevalence: float) -> float:
    if not 0 <= prevalence <= 1:  # also false for NaN
        raise ValueError(f"a prevalence lies between 0 and 1, not at {prevalence}")
    return round(prevalence, _DECIMALS)


@lru_cache(maxsize=1024)
def _costs(largest: int, prevalence: float) -> tuple[Sequence[float], Sequence[float]]:
    """U and D for every size up to `largest`, indexed by size."""
    q = 1 - prevalence
    unknown, flagged = [0.0, 1.0], [0.0, 1.0]
    for size in range(2, largest + 1):
        flagged.append(_flagged(size, q, unknown, flagged))
        unknown.append(1 + (1 - q**size) * flagged[size])
    return unknown, flagged


def _flagged(size: int, q: float, unknown: Sequence[float], flagged: Sequence[float]) -> float:
    if size == 2:
        return 2.0
    first = size // 2
    rest = size - first
    after_unsafe = (0.0 if first == 1 else flagged[first]) + unknown[rest]
    # Where nothing is ever unsafe: the limit, of one unsafe image that is anywhere.
    clean = rest / size if q == 1 else q**first * (1 - q**rest) / (1 - q**size)
    return 1 + clean * flagged[rest] + (1 - clean) * after_unsafe


@lru_cache(maxsize=4096)
def _partition(images: int, prevalence: float, largest: int) -> tuple[int, ...]:
    unknown = _costs(max(1, min(images, largest)), prevalence)[0]
    best: list[tuple[float, int]] = [(0.0, 0)]  # cost of so many images, and the size of the group that is split off first
    for count in range(1, images + 1):
        sizes = range(1, min(count, largest) + 1)
        best.append(min(((unknown[size] + best[count - size][0]), -size) for size in sizes))
        best[count] = (best[count][0], -best[count][1])
    sizes_found, left = [], images
    while left:
        sizes_found.append(best[left][1])
        left -= best[left][1]
    return tuple(sorted(sizes_found, reverse=True))
