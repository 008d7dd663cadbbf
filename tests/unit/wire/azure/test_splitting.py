"""What has a place, what goes with the rest, and what goes whole."""

from __future__ import annotations

import pytest

from app.core.model import Feature
from app.core.prices import PriceList
from app.wire.azure.analysis32 import ANALYZE_PATH, API_32
from app.wire.azure.analysis40 import API_40, PATH
from app.wire.azure.api import Api
from app.wire.azure.query import Query
from app.wire.azure.refusals import Reason, Refused
from app.wire.azure.splitting import AzureOptions, OwnProvider, Split, split

OFFERS = frozenset({Feature.OBJECTS, Feature.PEOPLE, Feature.TEXT, Feature.LABELS, Feature.MODERATION})
EACH = PriceList(otherwise=0.001)
OWN = AzureOptions(offers=OFFERS, own=OwnProvider(EACH, 0.5))
OWN_TEXT = AzureOptions(grid_text=True, offers=OFFERS, own=OwnProvider(EACH, 0.5))
FREE_TAGS = PriceList({"objects": 0.001, "tags": 0.001}, 0, {"tags": "objects"})
FREE_BESIDE = AzureOptions(offers=OFFERS, own=OwnProvider(FREE_TAGS, 0.5))
OWN_DETECTING = AzureOptions(offers=OFFERS, own=OwnProvider(EACH, 0.5), classify="detection")
OWN_ALONE = AzureOptions(offers=OFFERS, own=OwnProvider(EACH, 0.5), classify="alone")
OTHERS, OTHERS_TEXT = AzureOptions(), AzureOptions(grid_text=True)


def parts(features: str, options: AzureOptions, api: Api = API_40, *, may_grid: bool = True) -> Split | None:
    path = PATH if api is API_40 else ANALYZE_PATH
    query = f"api-version=2024-02-01&{api.parameter}={features}"
    asked = api.ask(path, Query.parse(query))
    assert asked is not None
    return split(api, asked, options, may_grid=may_grid)


@pytest.mark.parametrize(
    ("features", "options", "expected"),
    [
        ("objects", OTHERS, Split(("objects",))),
        ("objects,people", OWN, Split(("objects", "people"))),
        ("objects,read", OTHERS, Split(("objects", "read"))),
        ("read", OWN, Split(("read",))),
        ("objects,read", OTHERS_TEXT, Split(("objects", "read"))),
        ("tags", OWN, None),
        ("caption,objects,tags", OWN, Split(("objects",), ("caption", "tags"))),
        ("objects,read,tags", OWN, Split(("objects",), ("read", "tags"))),
        ("objects,read,tags", OWN_TEXT, Split(("objects", "read"), ("tags",))),
        ("read,tags", OWN, None),
        ("objects,tags", FREE_BESIDE, None),
        ("objects,people,tags", FREE_BESIDE, Split(("people",), ("objects", "tags"))),
        ("objects,tags", OWN_ALONE, Split(("objects",), ("tags",))),
        ("tags", OWN_DETECTING, Split(("tags",))),
        ("tags,objects,caption", OWN_DETECTING, Split(("tags", "objects"), ("caption",))),
        ("tags,people&language=de", OWN_DETECTING, Split(("people",), ("tags",))),
        ("tags&language=de", OWN_DETECTING, None),
        ("tags,objects", OTHERS, Split(("tags", "objects"))),
    ],
)
def test_image_analysis(features: str, options: AzureOptions, expected: Split | None) -> None:
    assert parts(features, options) == expected


def test_a_caller_who_wants_no_grid_gets_his_request_handed_on_whole_where_it_is_mixed() -> None:
    assert parts("objects,tags", OWN, may_grid=False) is None
    assert parts("objects", OWN, may_grid=False) == Split(("objects",))


@pytest.mark.parametrize(
    ("features", "options", "expected"),
    [
        ("Objects,Faces,Brands", OTHERS, Split(("Objects", "Faces", "Brands"))),
        ("Objects,Faces", OWN, Split(("Objects",), ("Faces",))),
        ("Faces", OWN, None),
        ("Adult", OWN, Split(("Adult",))),
        ("Adult,Color", OWN, Split(("Adult",), ("Color",))),
        ("Adult,Objects", OWN, Split(("Adult", "Objects"))),
        ("Adult&language=de", OWN, Split(("Adult",))),
        ("Adult&model-version=2021-04-01", OWN, None),
        ("Adult,Tags", OTHERS, Split(("Adult", "Tags"))),
        ("Adult,Tags", OWN, Split(("Adult",), ("Tags",))),
        ("Tags", OWN, None),
        ("Tags", OWN_DETECTING, Split(("Tags",))),
        ("Tags&language=de", OWN_DETECTING, None),
        ("Objects&details=Landmarks", OWN, Split(("Objects",), (), ("Landmarks",))),
        ("Objects&model-version=2021-04-01", OWN, None),
        ("Objects&model-version=2021-04-01", OTHERS, Split(("Objects",))),
    ],
)
def test_version_3_2(features: str, options: AzureOptions, expected: Split | None) -> None:
    """What the provider does not offer goes with the rest; a model of 3.2 takes 3.2 itself."""
    assert parts(features, options, API_32) == expected


@pytest.mark.parametrize(
    ("features", "api", "lacking"),
    [
        ("people", API_40, "people"),
        ("objects,people", API_40, "people"),
        ("tags,people", API_40, "tags"),
        ("caption", API_40, "caption"),
        ("objects,denseCaptions", API_40, "denseCaptions"),
        ("Objects,Faces", API_32, "Faces"),
        ("Adult", API_32, "Adult"),
        ("Tags", API_32, "Tags"),
        ("Objects&details=Landmarks", API_32, "Landmarks"),
    ],
)
def test_what_another_vendors_provider_lacks_is_refused_before_anything_is_paid(features: str, api: Api, lacking: str) -> None:
    with pytest.raises(Refused) as caught:
        parts(features, AzureOptions(offers=frozenset({Feature.OBJECTS})), api)
    assert (caught.value.reason, caught.value.words) == (Reason.LACKING, lacking)


def test_tags_in_another_language_are_nobody_elses() -> None:
    for features, api in (("tags&language=de", API_40), ("Tags&language=de", API_32)):
        with pytest.raises(Refused) as caught:
            parts(features, OTHERS, api)
        assert (caught.value.reason, caught.value.words.lower()) == (Reason.LACKING, "tags")


def test_a_sheet_for_3_2_is_paid_as_objects_of_4_0() -> None:
    """Which are cheaper here, but not so much cheaper that a whole one is worth it beside what is free."""
    prices = PriceList({"objects": 0.001, "Objects": 0.0015, "Tags": 0.0015}, 0, {"Objects": "Color"})
    options = AzureOptions(offers=OFFERS, own=OwnProvider(prices, 0.5))
    assert parts("Objects,Description", options, API_32) == Split(("Objects",), ("Description",))
    assert parts("Objects,Color", options, API_32) is None
