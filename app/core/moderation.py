"""Unsafe content: the categories that all vendors' words are put into, and whom an answer speaks against. Pure.

A finding of moderation has no place: it speaks against every image of a group whose client cares for its category at its score.
Small content scores lower, so a group is asked, and judged, at a threshold that is lower by a margin (`Margins`), a share of
the client's own: what a strict client wants to see scores as much less on a sheet as what a lenient one does. A single
image is judged by its client's own threshold, and its answer is handed on whatever it says.

Words: Rekognition's taxonomy of version 7 ("Moderating content", two upper levels), Google's SafeSearchAnnotation, Azure's
`adult` of 3.2. A word that is in none of these counts for every client: nothing is overlooked for being new.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from app.core.model import Detection, Inquiry


class Category(StrEnum):
    """Kinds of unsafe content, in our words."""

    ADULT = "adult"
    RACY = "racy"
    VIOLENCE = "violence"
    GORE = "gore"
    MEDICAL = "medical"
    SPOOF = "spoof"
    DRUGS = "drugs"
    TOBACCO = "tobacco"
    ALCOHOL = "alcohol"
    GAMBLING = "gambling"
    RUDE = "rude"
    HATE = "hate"


# Of a client who names no threshold: more likely than not (Rekognition's own default, too).
DEFAULT_THRESHOLD_UNIT = 0.5
# No group is asked below this: vendors' lowest scores are noise, and would flag every group.
LEAST_THRESHOLD_UNIT = 0.01

UNKNOWN = "UNKNOWN"

# Categories of which one vendor's upper level may be another's.
_FAMILIES = (
    frozenset({Category.ADULT, Category.RACY}),
    frozenset({Category.VIOLENCE, Category.GORE, Category.MEDICAL}),
    frozenset({Category.DRUGS, Category.TOBACCO}),
    frozenset({Category.RUDE, Category.HATE}),
)

# By words in lower case, of the vendors' upper levels.
_CATEGORIES: Mapping[str, Category] = MappingProxyType(
    {
        **{category.value: category for category in Category},
        "gory": Category.GORE,
        "explicit": Category.ADULT,
        "explicit nudity": Category.ADULT,
        "explicit sexual activity": Category.ADULT,
        "sex toys": Category.ADULT,
        "non-explicit nudity of intimate parts and kissing": Category.RACY,
        "non-explicit nudity": Category.RACY,
        "obstructed intimate parts": Category.RACY,
        "kissing on the lips": Category.RACY,
        "swimwear or underwear": Category.RACY,
        "female swimwear or underwear": Category.RACY,
        "male swimwear or underwear": Category.RACY,
        "weapons": Category.VIOLENCE,
        "graphic violence": Category.GORE,
        "visually disturbing": Category.GORE,
        "death and emaciation": Category.GORE,
        "crashes": Category.VIOLENCE,
        "drugs & tobacco": Category.DRUGS,
        "products": Category.DRUGS,
        "drugs & tobacco paraphernalia & use": Category.DRUGS,
        "smoking": Category.TOBACCO,
        "alcohol use": Category.ALCOHOL,
        "alcoholic beverages": Category.ALCOHOL,
        "rude gestures": Category.RUDE,
        "middle finger": Category.RUDE,
        "hate symbols": Category.HATE,
        "nazi party": Category.HATE,
        "white supremacy": Category.HATE,
        "extremist": Category.HATE,
    }
)


def category_of(finding: Detection) -> Category | None:
    """Of the label, else of the nearest of its parents (`fields["parents"]`, names) that is known."""
    parents = finding.fields.get("parents")
    names = [finding.label, *(name for name in (parents if isinstance(parents, list) else []) if isinstance(name, str))]
    return next((_CATEGORIES[name.lower()] for name in names if name.lower() in _CATEGORIES), None)


@dataclass(frozen=True, slots=True)
class Margins:
    """By how much a group's threshold lies below its clients', by the number of images in it: 0.4 makes 0.3 of 0.5.

    `by_size`: measured ones (0 to 1, a share of the threshold); a size that was not measured takes the margin of the next
    larger that was, or else of the largest. The default is careful: nothing is known of how a vendor's scores fall.
    """

    by_size: Mapping[int, float]

    def __post_init__(self) -> None:
        if any(size < 2 or not 0 <= margin <= 1 for size, margin in self.by_size.items()):
            raise ValueError(f"margins between 0 and 1 for groups of at least 2, not {dict(self.by_size)}")

    def of(self, size: int) -> float:
        """0 for an image alone."""
        if size < 2 or not self.by_size:
            return 0.0
        larger = [known for known in self.by_size if known >= size]
        return self.by_size[min(larger)] if larger else self.by_size[max(self.by_size)]


# A picture that is shown smaller than on a sheet of so many (or half as many again as there are) belongs in no group: nothing
# is known of how it would score.
MOST_CROWDED = 25


def is_shown_too_small(images: int, relative_scale: float) -> bool:
    """Whether it should be asked alone, in whatever company it is."""
    return crowding(images, relative_scale) > max(MOST_CROWDED, 1.5 * images)


def crowding(images: int, relative_scale: float) -> int:
    """The size of the group in whose margin an image is judged: a panorama among portraits is shown as small as if there were
    many more. `relative_scale`: how large it is on the sheet, alone it would be 1. (A fifth is let pass: gutters, odd shapes.)
    """
    return max(images, math.floor(0.8 / max(relative_scale, 1e-3) ** 2))


DEFAULT_MARGINS = Margins(MappingProxyType({2: 0.3, 4: 0.45, 9: 0.65, 25: 0.8}))


def threshold(inquiry: Inquiry, margin: float = 0.0, *, steps: Sequence[float] = (), seen_unit: float = 1.0) -> float:
    """Score from which on a finding counts for this client, 0 to 1; in a group where there is a margin.

    `steps`: the only scores that a vendor gives (Google's words): in a group the next one below the client's own counts, too,
    because nothing lies between. `seen_unit`: the lowest score that spoke against a group of which this is a part: what was
    seen when it was small must not be overlooked now that it is larger.
    """
    own = DEFAULT_THRESHOLD_UNIT if inquiry.min_score_unit is None else inquiry.min_score_unit
    if margin <= 0:
        return own
    below = [step for step in steps if 0 < step < own]
    lowered = min([own * (1 - margin), seen_unit, *below[-1:]])
    return max(min(own, LEAST_THRESHOLD_UNIT), lowered)


def is_unsafe(findings: Sequence[Detection], inquiry: Inquiry) -> bool:
    """Whether an image's own answer holds something that counts for its client."""
    least_unit = threshold(inquiry)
    return any(finding.score_unit >= least_unit and cares_for(inquiry, finding) for finding in findings)


def is_clean(findings: Sequence[Detection], inquiry: Inquiry) -> bool:
    """Whether its own answer says for sure that an image is safe for its client."""
    return not is_unsafe(findings, inquiry) and not is_undecided(findings, inquiry)


def counted_unit(findings: Sequence[Detection], inquiry: Inquiry, least_unit: float) -> float | None:
    """The lowest score of those findings in the answer to a group that may be about this client's image, judged at this
    threshold; None where nothing speaks against it.

    Of small content a vendor may name no more than the upper level ("Violence" of what is "Blood & Gore" alone), so a related
    category counts, too; and so does what the vendor itself has flagged (Azure), at whatever score.
    """
    counted = [
        finding.score_unit
        for finding in findings
        if (finding.score_unit >= least_unit or finding.fields.get("flagged") is True) and _may_concern(inquiry, finding)
    ]
    return min(counted, default=None)


def is_undecided(findings: Sequence[Detection], inquiry: Inquiry) -> bool:
    """Whether the vendor says that it does not know (Google's UNKNOWN) of a category that the client cares for: that is no
    reason to call anything safe.
    """
    return any(finding.fields.get("likelihood") == UNKNOWN and cares_for(inquiry, finding) for finding in findings)


def cares_for(inquiry: Inquiry, finding: Detection) -> bool:
    """Whether the client asked for this category; one that nobody knows counts for everybody."""
    if not inquiry.categories:
        return True
    category = category_of(finding)
    return category is None or category.value in inquiry.categories


def _may_concern(inquiry: Inquiry, finding: Detection) -> bool:
    if cares_for(inquiry, finding):
        return True
    category = category_of(finding)
    return any(category in family and not family.isdisjoint(inquiry.categories) for family in _FAMILIES)


def loosest_threshold(inquiries: Sequence[Inquiry], margin: float) -> float:
    """What a group is asked at, so that every client's own filter loses nothing."""
    return min(threshold(inquiry, margin) for inquiry in inquiries)
