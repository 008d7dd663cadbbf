"""Aliases and categories of labels, in the vendor's words as far as its documentation shows them.

In: a label and its ancestors. Out: names. Called by `labels`.
"""

from __future__ import annotations

ALIASES = {
    "Airplane": "Aeroplane",
    "Bicycle": "Bike",
    "Car": "Automobile",
    "Cell Phone": "Mobile Phone",
    "Couch": "Sofa",
    "Motorcycle": "Motorbike",
    "Person": "Human",
    "TV": "Television",
}

CATEGORY_OF = {
    "Animal": "Animals and Pets",
    "Appliance": "Home and Indoors",
    "Accessories": "Apparel and Accessories",
    "City": "Buildings and Architecture",
    "Electronics": "Technology and Computing",
    "Face": "Person Description",
    "Food": "Food and Beverage",
    "Furniture": "Furniture and Furnishings",
    "Head": "Person Description",
    "Indoors": "Home and Indoors",
    "Nature": "Nature and Outdoors",
    "Night": "Nature and Outdoors",
    "Outdoors": "Nature and Outdoors",
    "Person": "Person Description",
    "Plant": "Plants and Flowers",
    "Sport": "Sports",
    "Tool": "Tools and Machinery",
    "Toy": "Toys and Gaming",
    "Transportation": "Transport and Logistics",
    "Vehicle": "Vehicles and Automotive",
}
DEFAULT_CATEGORY = "Everyday Objects"


def aliases_of(label: str) -> list[str]:
    return [ALIASES[label]] if label in ALIASES else []


def category_of(label: str, parents: tuple[str, ...]) -> str:
    """Its own category, or that of its nearest ancestor that has one."""
    return next((CATEGORY_OF[name] for name in (label, *parents) if name in CATEGORY_OF), DEFAULT_CATEGORY)
