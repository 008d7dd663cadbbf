"""Sentences about an image, made of what was seen: how many of what, and where.

In: a scene. Out: captions. Where nothing was seen, they tell of the colour. They never tell anybody's gender.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.emulators.azure.colors import named_shares
from app.emulators.azure.things import class_of, objects_in
from app.emulators.pixels import sampled
from app.emulators.scene import Scene, Seen, largest_first
from app.emulators.scenery import scenery

MOST_CLASSES = 3
"""Kinds of things that one sentence names: those that fill most of the image."""
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
PLURALS = {"person": "people", "bus": "buses", "sheep": "sheep", "knife": "knives"}
PLACES = {"Outdoors": "outdoors", "Indoors": "indoors", "Night": "at night"}
SHORTER_LOSS = 0.9
"""Each further candidate says less, and is so much less sure."""
MOST_DENSE = 10
"""Dense captions, that of the whole image included."""


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence, and the place it speaks of."""

    text: str
    confidence_unit: float
    box_xyxy_px: tuple[float, float, float, float]


def candidates(scene: Scene, most: int) -> list[Caption]:
    """Sentences about the whole image, the surest first; each later one says less."""
    where = PLACES[scenery(scene.rgb)[-1].name]
    phrases = _phrases(objects_in(scene)) or [_of_colour(scene)]
    texts = [f"{_listed(phrases)} {where}", _listed(phrases), phrases[0]]
    sure = _sureness(scene)
    found = list(dict.fromkeys(texts))[:most]
    return [Caption(text, sure * SHORTER_LOSS**place, _whole(scene)) for place, text in enumerate(found)]


def dense(scene: Scene) -> list[Caption]:
    """First the whole image, then the largest things."""
    things = largest_first(objects_in(scene), MOST_DENSE - 1)
    return [
        *candidates(scene, 1),
        *(Caption(_counted(class_of(thing), 1), thing.sighting.score_unit, thing.sighting.box_xyxy_px) for thing in things),
    ]


def _whole(scene: Scene) -> tuple[float, float, float, float]:
    height_px, width_px = scene.rgb.shape[:2]
    return (0.0, 0.0, float(width_px), float(height_px))


def _phrases(things: list[Seen]) -> list[str]:
    """`two dogs`, `a car`: the kinds that fill most first."""
    kinds: dict[str, list[Seen]] = {}
    for thing in things:
        kinds.setdefault(class_of(thing), []).append(thing)
    filling = sorted(kinds, key=lambda name: -sum(thing.area_px for thing in kinds[name]))
    return [_counted(name, len(kinds[name])) for name in filling[:MOST_CLASSES]]


def _counted(name: str, count: int) -> str:
    if count == 1:
        return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    return f"{NUMBERS.get(count, 'several')} {PLURALS.get(name, f'{name}s')}"


def _listed(phrases: list[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def _of_colour(scene: Scene) -> str:
    name = named_shares(sampled(scene.rgb))[0][0].lower()
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name} surface"


def _sureness(scene: Scene) -> float:
    """The mean of what was seen; where nothing was, the share of the colour that the sentence tells of."""
    scores = [thing.sighting.score_unit for thing in objects_in(scene)]
    return sum(scores) / len(scores) if scores else named_shares(sampled(scene.rgb))[0][1] / 2
