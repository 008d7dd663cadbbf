"""What the vendors call the same thing: one row per concept, a column per vendor, for findings that change their language.

Called by the dialects with a finding of another vendor. A cell says how the vendor spells the concept, and after "|" further
words of its that mean the same and are only understood. An empty cell is not known from the vendor's own documentation or
answers: what is written then is our own word in the vendor's habit (`_HABITS`), which is right wherever vendors differ in case
alone. Our own words (`native`) are understood from everybody; whoever is no vendor of the table (a local model) speaks them.

Where the words come from: `docs/cross-vendor.md`. Laws, tested: no word stands twice in a column, and every first word comes
back the same from any other column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

NATIVE, REKOGNITION, GOOGLE, AZURE = "native", "rekognition", "google", "azure"

# native, then what differs from it by more than the vendor's habit: Rekognition, Google, Azure.
# fmt: off
_ROWS: tuple[tuple[str, str, str, str], ...] = (
    # People and what belongs to them
    ("Person",            "|Human",       "",                                   ""),
    ("Man",               "",             "",                                   ""),
    ("Woman",             "",             "",                                   ""),
    ("Boy",               "",             "",                                   ""),
    ("Girl",              "",             "",                                   ""),
    ("Face",              "",             "Human face",                         "|human face"),
    ("Head",              "",             "Human head",                         ""),
    ("Hand",              "",             "Human hand",                         ""),
    # Vehicles
    ("Vehicle",           "",             "",                                   "Vehicle"),
    ("Land Vehicle",      "",             "",                                   "Land vehicle"),
    ("Bicycle",           "|Bike",        "",                                   ""),
    ("Car",               "|Automobile",  "",                                   ""),
    ("Van",               "",             "",                                   "Van"),
    ("Taxi",              "",             "",                                   ""),
    ("Motorcycle",        "|Motorbike",   "",                                   ""),
    ("Airplane",          "|Aeroplane",   "",                                   ""),
    ("Bus",               "",             "",                                   ""),
    ("Train",             "",             "",                                   ""),
    ("Truck",             "",             "",                                   ""),
    ("Boat",              "",             "",                                   ""),
    ("Wheel",             "",             "",                                   "Wheel"),
    # The street
    ("Traffic Light",     "",             "",                                   ""),
    ("Fire Hydrant",      "",             "",                                   ""),
    ("Stop Sign",         "",             "",                                   ""),
    ("Parking Meter",     "",             "",                                   ""),
    ("Bench",             "",             "",                                   ""),
    # Animals
    ("Animal",            "",             "",                                   ""),
    ("Bird",              "",             "",                                   ""),
    ("Cat",               "",             "",                                   ""),
    ("Dog",               "",             "",                                   ""),
    ("Horse",             "",             "",                                   ""),
    ("Sheep",             "",             "",                                   ""),
    ("Cow",               "",             "Cattle",                             ""),
    ("Elephant",          "",             "",                                   ""),
    ("Bear",              "",             "",                                   ""),
    ("Zebra",             "",             "",                                   ""),
    ("Giraffe",           "",             "",                                   ""),
    # What people wear and carry
    ("Backpack",          "",             "",                                   ""),
    ("Umbrella",          "",             "",                                   ""),
    ("Handbag",           "",             "",                                   ""),
    ("Tie",               "",             "",                                   ""),
    ("Suitcase",          "",             "",                                   ""),
    ("Luggage",           "",             "Luggage and bags|Luggage & bags",    "Luggage and bags"),
    # Sport and play
    ("Frisbee",           "",             "Flying disc",                        ""),
    ("Skis",              "",             "Ski",                                ""),
    ("Snowboard",         "",             "",                                   ""),
    ("Sports Ball",       "",             "Ball",                               ""),
    ("Kite",              "",             "",                                   ""),
    ("Baseball Bat",      "",             "",                                   ""),
    ("Baseball Glove",    "",             "",                                   ""),
    ("Skateboard",        "",             "",                                   ""),
    ("Surfboard",         "",             "",                                   ""),
    ("Tennis Racket",     "",             "",                                   ""),
    ("Teddy Bear",        "",             "",                                   ""),
    # The kitchen and the table
    ("Tableware",         "",             "",                                   "Tableware"),
    ("Bottle",            "",             "",                                   ""),
    ("Wine Glass",        "",             "",                                   ""),
    ("Cup",               "",             "",                                   ""),
    ("Coffee Cup",        "",             "",                                   "Coffee cup"),
    ("Fork",              "",             "",                                   ""),
    ("Knife",             "",             "",                                   ""),
    ("Spoon",             "",             "",                                   ""),
    ("Bowl",              "",             "",                                   ""),
    ("Banana",            "",             "",                                   ""),
    ("Apple",             "",             "",                                   ""),
    ("Sandwich",          "",             "",                                   ""),
    ("Orange",            "",             "",                                   ""),
    ("Broccoli",          "",             "",                                   ""),
    ("Carrot",            "",             "",                                   ""),
    ("Hot Dog",           "",             "",                                   ""),
    ("Pizza",             "",             "",                                   ""),
    ("Donut",             "",             "Doughnut",                           ""),
    ("Cake",              "",             "",                                   ""),
    ("Kitchen Appliance", "",             "",                                   ""),
    ("Microwave",         "",             "Microwave oven",                     ""),
    ("Oven",              "",             "",                                   ""),
    ("Toaster",           "",             "",                                   ""),
    ("Sink",              "",             "",                                   ""),
    ("Refrigerator",      "",             "",                                   ""),
    # Rooms and what stands in them
    ("Chair",             "",             "",                                   ""),
    ("Couch",             "|Sofa",        "",                                   ""),
    ("Potted Plant",      "",             "Houseplant",                         ""),
    ("Bed",               "",             "",                                   ""),
    ("Table",             "",             "",                                   ""),
    ("Dining Table",      "",             "Kitchen & dining room table",        ""),
    ("Toilet",            "",             "",                                   ""),
    ("Book",              "",             "",                                   ""),
    ("Clock",             "",             "",                                   ""),
    ("Vase",              "",             "",                                   ""),
    ("Scissors",          "",             "",                                   ""),
    ("Hair Drier",        "",             "Hair dryer",                         ""),
    ("Toothbrush",        "",             "",                                   ""),
    # Electronics
    ("TV",                "|Television",  "Television",                         "television"),
    ("Computer",          "",             "",                                   ""),
    ("Laptop",            "",             "",                                   "Laptop"),
    ("Mouse",             "",             "Computer mouse",                     ""),
    ("Remote",            "",             "Remote control",                     "Remote control"),
    ("Keyboard",          "",             "Computer keyboard",                  "computer keyboard"),
    ("Phone",             "",             "Telephone",                          "telephone"),
    ("Cell Phone",        "Mobile Phone", "Mobile phone",                       ""),
)
# fmt: on


def _titled(name: str) -> str:
    """Every word with a capital, the other letters as they are."""
    return " ".join(word[:1].upper() + word[1:] for word in name.split(" "))


def _capitalised(name: str) -> str:
    """The first letter large, the others as they are."""
    return name[:1].upper() + name[1:]


@dataclass(frozen=True, slots=True)
class _Habit:
    """How a vendor writes names: a word of ours, and an unlisted word, whose capitals may be those of a proper name."""

    ours: Callable[[str], str]
    unlisted: Callable[[str], str]


_HABITS: Mapping[str, _Habit] = MappingProxyType(
    {
        NATIVE: _Habit(str, str),
        REKOGNITION: _Habit(_titled, _titled),
        GOOGLE: _Habit(str.capitalize, _capitalised),
        AZURE: _Habit(str.lower, str.lower),
    }
)


def _column(vendor: str) -> tuple[tuple[str, ...], ...]:
    """The words of each row in one vendor's language, the one that it writes first."""
    place = list(_HABITS).index(vendor)
    rows = ((row[0], *(row[place] if place else "").split("|")) for row in _ROWS)
    return tuple((own or _HABITS[vendor].ours(ours), *others) for ours, own, *others in rows)


COLUMNS: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType({vendor: _column(vendor) for vendor in _HABITS})
"""By vendor: the words of each concept, the one that is written first. All columns have the same rows."""


def _understood(vendor: str) -> Mapping[str, int]:
    """Row by word, in lower case. What the vendor means by a word goes before what we do."""
    ours = {words[0].lower(): row for row, words in enumerate(COLUMNS[NATIVE])}
    return MappingProxyType(ours | {word.lower(): row for row, words in enumerate(COLUMNS[vendor]) for word in words})


_ROW_OF: Mapping[str, Mapping[str, int]] = MappingProxyType({vendor: _understood(vendor) for vendor in COLUMNS})


def spoken(label: str, vendor: str, to: str) -> str:
    """What the vendor `to` calls the thing that `vendor` calls `label`.

    A vendor's own word stays as it is; a word that is not listed is only put into the habit of `to`.
    """
    if vendor == to:
        return label
    row = _ROW_OF.get(vendor, _ROW_OF[NATIVE]).get(label.lower())
    return _HABITS[to].unlisted(label) if row is None else COLUMNS[to][row][0]
