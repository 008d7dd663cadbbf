"""The 80 classes of COCO in their usual order, spelled as Rekognition spells labels, with their ancestors.

Called by `onnx`. `label.lower()` is COCO's own name of the class.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CocoClass:
    """A label and its ancestors, nearest first."""

    label: str
    parents: tuple[str, ...]


_ROAD = ("Vehicle", "Transportation")
_PET = ("Pet", "Mammal", "Animal")
_MAMMAL = ("Mammal", "Animal")
_STREET = ("Street", "City")
_BAG = ("Bag", "Accessories")
_WEAR = ("Accessories",)
_SPORT = ("Sports Equipment", "Sport")
_CUTLERY = ("Cutlery",)
_FRUIT = ("Fruit", "Food")
_VEGETABLE = ("Vegetable", "Food")
_MEAL = ("Food",)
_FURNITURE = ("Furniture",)
_SCREEN = ("Screen", "Electronics")
_COMPUTER = ("Computer Hardware", "Electronics")
_APPLIANCE = ("Appliance", "Device")

_TABLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Person", ()),
    ("Bicycle", _ROAD),
    ("Car", _ROAD),
    ("Motorcycle", _ROAD),
    ("Airplane", ("Aircraft", "Vehicle", "Transportation")),
    ("Bus", _ROAD),
    ("Train", _ROAD),
    ("Truck", _ROAD),
    ("Boat", _ROAD),
    ("Traffic Light", ("Light",)),
    ("Fire Hydrant", _STREET),
    ("Stop Sign", ("Road Sign", "Symbol", "Sign")),
    ("Parking Meter", _STREET),
    ("Bench", _FURNITURE),
    ("Bird", ("Animal",)),
    ("Cat", _PET),
    ("Dog", ("Canine", "Pet", "Mammal", "Animal")),
    ("Horse", _MAMMAL),
    ("Sheep", ("Livestock", *_MAMMAL)),
    ("Cow", ("Cattle", "Livestock", *_MAMMAL)),
    ("Elephant", ("Wildlife", *_MAMMAL)),
    ("Bear", ("Wildlife", *_MAMMAL)),
    ("Zebra", ("Wildlife", *_MAMMAL)),
    ("Giraffe", ("Wildlife", *_MAMMAL)),
    ("Backpack", _BAG),
    ("Umbrella", ("Canopy",)),
    ("Handbag", _BAG),
    ("Tie", ("Formal Wear", *_WEAR)),
    ("Suitcase", ("Luggage", *_BAG)),
    ("Frisbee", ("Toy",)),
    ("Skis", _SPORT),
    ("Snowboard", _SPORT),
    ("Sports Ball", ("Ball", *_SPORT)),
    ("Kite", ("Toy",)),
    ("Baseball Bat", ("Baseball", *_SPORT)),
    ("Baseball Glove", ("Baseball", *_SPORT)),
    ("Skateboard", _SPORT),
    ("Surfboard", _SPORT),
    ("Tennis Racket", ("Racket", *_SPORT)),
    ("Bottle", ()),
    ("Wine Glass", ("Glass",)),
    ("Cup", ()),
    ("Fork", _CUTLERY),
    ("Knife", _CUTLERY),
    ("Spoon", _CUTLERY),
    ("Bowl", ()),
    ("Banana", _FRUIT),
    ("Apple", _FRUIT),
    ("Sandwich", _MEAL),
    ("Orange", _FRUIT),
    ("Broccoli", _VEGETABLE),
    ("Carrot", _VEGETABLE),
    ("Hot Dog", _MEAL),
    ("Pizza", _MEAL),
    ("Donut", ("Sweets", *_MEAL)),
    ("Cake", ("Dessert", *_MEAL)),
    ("Chair", _FURNITURE),
    ("Couch", _FURNITURE),
    ("Potted Plant", ("Plant",)),
    ("Bed", _FURNITURE),
    ("Dining Table", ("Table", *_FURNITURE)),
    ("Toilet", ("Bathroom", "Indoors")),
    ("TV", _SCREEN),
    ("Laptop", ("Computer", "Electronics")),
    ("Mouse", _COMPUTER),
    ("Remote", ("Electronics",)),
    ("Keyboard", _COMPUTER),
    ("Cell Phone", ("Phone", "Electronics")),
    ("Microwave", _APPLIANCE),
    ("Oven", _APPLIANCE),
    ("Toaster", _APPLIANCE),
    ("Sink", ("Bathroom", "Indoors")),
    ("Refrigerator", _APPLIANCE),
    ("Book", ("Publication",)),
    ("Clock", ()),
    ("Vase", ("Pottery",)),
    ("Scissors", ("Tool",)),
    ("Teddy Bear", ("Toy",)),
    ("Hair Drier", _APPLIANCE),
    ("Toothbrush", ("Brush",)),
)

COCO_CLASSES = tuple(CocoClass(label, parents) for label, parents in _TABLE)
"""Index = the number that a detector trained on COCO gives."""
