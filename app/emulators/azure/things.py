"""What counts as an object, a person, a face, a brand, and what things are called.

In: a scene. Out: things, the surest first. A marker keeps its identity (`Car-0016`) as its name; every other name is in lower
case, as the vendor writes names. Nothing is left out for being small: the service itself usually misses objects that fill less
than 5 % of the image, and objects packed closely together.
"""

from __future__ import annotations

from app.detectors.markers import marker_class, marker_id_of
from app.emulators.meanings import is_logo
from app.emulators.scene import Scene, Seen

BRAND_START = "Brand-"


def surest_first(things: list[Seen]) -> list[Seen]:
    """Equally sure things keep their order."""
    return sorted(things, key=lambda thing: -thing.sighting.score_unit)


def name_of(label: str) -> str:
    """An identity as it is, a word in lower case."""
    return label.lower() if marker_id_of(label) is None else label


def class_of(thing: Seen) -> str:
    """A marker's everyday name, and the name of anything else."""
    return (thing.sighting.label if thing.marker_id is None else marker_class(thing.marker_id)).lower()


def names_of(thing: Seen) -> list[str]:
    """Its own name, then those of its ancestors, nearest first."""
    return [name_of(label) for label in (thing.sighting.label, *thing.sighting.parents)]


def objects_in(scene: Scene) -> list[Seen]:
    """Everything but faces; persons are objects, too."""
    return surest_first([thing for thing in scene.seen if thing.sighting.kind != "face"])


def people_in(scene: Scene) -> list[Seen]:
    """Persons, however unsure, and markers: exact tests need people whose places are known."""
    return surest_first(scene.markers + scene.of_kinds("person"))


def brands_in(scene: Scene) -> list[Seen]:
    """The markers that are logos."""
    return surest_first([marker for marker in scene.markers if marker.marker_id is not None and is_logo(marker.marker_id)])


def brand_name(brand: Seen) -> str:
    return f"{BRAND_START}{brand.marker_id:04d}"
