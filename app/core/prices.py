"""What a vendor charges for one image, by what it is asked for. Pure.

In: the vendor's own names (operations, features) asked of one image in one call. Out: list price in dollars. Called by the
metrics' callers, and by dialects that decide whether to split a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PriceList:
    """`each`: dollars per image for a name. `otherwise`: for names that are not listed. `free_beside`: a name that costs
    nothing when the other one is asked for on the same image in the same call.
    """

    each: Mapping[str, float] = field(default_factory=dict)
    otherwise: float = 0.0
    free_beside: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.otherwise < 0 or any(dollars < 0 for dollars in self.each.values()):
            raise ValueError("a price cannot be negative")

    def of(self, names: Iterable[str]) -> float:
        """Dollars for one image that is asked for all of these at once; a name counts once."""
        asked = set(names)
        return sum(self.each.get(name, self.otherwise) for name in asked if self.free_beside.get(name) not in asked)

    def units(self, names: Iterable[str]) -> int:
        """How many of these the vendor counts as an inference of their own, for one image that is asked for all of them."""
        asked = set(names)
        return sum(self.free_beside.get(name) not in asked for name in asked)

    def split_costs_more(self, shared: Iterable[str], rest: Iterable[str], share: float) -> bool:
        """Whether one image costs more in two calls than in one: `share` of a sheet's price for the names that can share
        one (1 / cells at best), and the whole price of the rest.
        """
        together, alone = set(shared), set(rest)
        return sum(share * self.of((name,)) for name in together) + self.of(alone) > self.of(together | alone)
