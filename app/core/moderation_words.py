"""What each vendor says of unsafe content: its own word for each of our categories, as its answers are written. Pure.

A category without a word cannot be said: in front, nobody needs to be asked about it for such a client; behind, nobody looked
for it. (How vendors' words are understood is in `core.moderation`.) Called by the dialects.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.core.model import Detection
from app.core.moderation import Category, category_of
from app.core.names import AZURE, GOOGLE, REKOGNITION

# Labels of the upper level that a category is part of ("Moderating content", version 7).
REKOGNITION_LABELS: Mapping[Category, str] = MappingProxyType(
    {
        Category.ADULT: "Explicit",
        Category.RACY: "Non-Explicit Nudity of Intimate parts and Kissing",
        Category.VIOLENCE: "Violence",
        Category.GORE: "Visually Disturbing",
        Category.DRUGS: "Drugs & Tobacco",
        Category.TOBACCO: "Drugs & Tobacco",
        Category.ALCOHOL: "Alcohol",
        Category.GAMBLING: "Gambling",
        Category.RUDE: "Rude Gestures",
        Category.HATE: "Hate Symbols",
    }
)
# Members of a SafeSearchAnnotation. Gore is violence to Google: "violence ... may include death, serious harm".
GOOGLE_WORDS: Mapping[Category, str] = MappingProxyType(
    {
        Category.ADULT: "adult",
        Category.SPOOF: "spoof",
        Category.MEDICAL: "medical",
        Category.VIOLENCE: "violence",
        Category.GORE: "violence",
        Category.RACY: "racy",
    }
)
# What the members of `adult` (3.2) are about. Others' violence is nearest to what Azure calls gory: "blood or gore".
AZURE_WORDS: Mapping[Category, str] = MappingProxyType(
    {Category.ADULT: "adult", Category.RACY: "racy", Category.GORE: "gore", Category.VIOLENCE: "gore"}
)

# What an answer of each front can say, as values of `Inquiry.categories`.
REKOGNITION_CATEGORIES, GOOGLE_CATEGORIES, AZURE_CATEGORIES = (
    tuple(category.value for category in words) for words in (REKOGNITION_LABELS, GOOGLE_WORDS, AZURE_WORDS)
)

# What each vendor looks for, by the name of our category that its word is, too (Google's gore comes as violence).
_LOOKED_FOR: Mapping[str, frozenset[Category]] = MappingProxyType(
    {
        REKOGNITION: frozenset(REKOGNITION_LABELS),
        GOOGLE: frozenset(map(Category, GOOGLE_WORDS.values())),
        AZURE: frozenset(map(Category, AZURE_WORDS.values())),
    }
)


def word_of(finding: Detection, words: Mapping[Category, str]) -> str | None:
    """How a vendor says it; None where nobody has put it into a category, or the vendor cannot say that."""
    category = category_of(finding)
    return None if category is None else words.get(category)


def looked_for(vendor: str) -> frozenset[Category]:
    """What this vendor may find. Of one that nobody knows (a local model, say): anything."""
    return _LOOKED_FOR.get(vendor, frozenset(Category))
