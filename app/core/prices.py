"""What a vendor charges for one image, by what it is asked for. Pure.

In: the vendor's own names (operations, features) asked of one image in one call. Out: list price in dollars. Called by the
metrics' callers, and by dialects that decide whether to split a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

# Dollars are compared to so many decimals: a billionth is what adding up in another order can make of equal sums.
_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Shareable:
    """What one image is asked for and could share a sheet for. `name`: the vendor's, as it would be asked for alone;
    `on_sheet`: what the sheet is asked for in its stead; `share`: of the sheet's price, what this image pays, at most 1.
    """

    name: str
    on_sheet: str
    share: float


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

    def better_on_sheets(self, shareable: Sequence[Shareable], rest: Iterable[str]) -> frozenset[str]:
        """Names that one image had better be asked for on sheets, where the others go with the rest, all of it in one call. Of
        ways that cost the same, the one with most on sheets.

        Only what is free beside something that is asked for, makes something free, or is paid as something else can be dearer
        on a sheet; of that every choice is tried (nobody asks for more than four such names).
        """
        rest = frozenset(rest)
        asked = rest.union(one.name for one in shareable)
        entangled = [one for one in shareable if one.on_sheet != one.name or self._has_free(one.name, asked)]
        choices = [combinations(entangled, count) for count in range(len(entangled) + 1)]
        moved = min((frozenset(one) for each in choices for one in each), key=lambda one: self._split(shareable, one, rest))
        return frozenset(one.name for one in shareable if one not in moved)

    def _has_free(self, name: str, asked: frozenset[str]) -> bool:
        """Whether it is free beside something that is asked for, or something that is asked for is free beside it."""
        return self.free_beside.get(name) in asked or any(self.free_beside.get(other) == name for other in asked)

    def _split(self, shareable: Sequence[Shareable], moved: frozenset[Shareable], rest: frozenset[str]) -> float:
        """Dollars of one image in two ways: on sheets, and whole prices for the rest and what has moved to it."""
        on_sheets = sum(one.share * self.of((one.on_sheet,)) for one in shareable if one not in moved)
        return round(on_sheets + self.of(rest.union(one.name for one in moved)), _DECIMALS)
