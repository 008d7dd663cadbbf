"""Which models are remembered to answer without boxes, how long, and how many."""

from __future__ import annotations

from app.core.geometry import UnitBox
from app.core.model import Answer, Detection, Failure, Feature, Inquiry, Outcome
from app.core.placeless import FORGET_S, MOST_MODELS, Placeless
from app.errors import Kind

BOX = UnitBox(0.0, 0.0, 1.0, 1.0)


def inquiry(model: int = 1, feature: Feature = Feature.CUSTOM_OBJECTS) -> Inquiry:
    return Inquiry(feature, f'{{"model":{model}}}')


def answer(*boxes: UnitBox | None) -> Outcome:
    return Outcome("job", Answer(tuple(Detection(Feature.CUSTOM_OBJECTS, "label", 0.9, box) for box in boxes)))


def test_one_label_without_a_box_tells() -> None:
    placeless = Placeless()
    placeless.saw(inquiry(1), answer(BOX, None), 0.0)
    assert placeless.knows(inquiry(1), 1.0)
    assert not placeless.knows(inquiry(2), 1.0)


def test_boxes_nothing_and_failures_tell_nothing() -> None:
    placeless = Placeless()
    failure = Outcome("job", Failure(Kind.THROTTLED, "slow down"))
    for outcome in (answer(BOX), answer(), failure):
        placeless.saw(inquiry(), outcome, 0.0)
    assert not placeless.knows(inquiry(), 0.0)


def test_scene_labels_of_the_vendor_s_own_models_tell_nothing() -> None:
    """An image sent alone has them beside its objects."""
    placeless = Placeless()
    placeless.saw(inquiry(feature=Feature.OBJECTS), answer(None), 0.0)
    assert not placeless.knows(inquiry(feature=Feature.OBJECTS), 0.0)


def test_it_is_tried_again_after_a_while() -> None:
    placeless = Placeless()
    placeless.saw(inquiry(), answer(None), 0.0)
    assert not placeless.knows(inquiry(), FORGET_S)


def test_the_oldest_is_forgotten_when_there_are_too_many() -> None:
    placeless = Placeless()
    for model in range(MOST_MODELS + 1):
        placeless.saw(inquiry(model), answer(None), 0.0)
    assert not placeless.knows(inquiry(0), 0.0)
    assert placeless.knows(inquiry(1), 0.0)
    assert placeless.knows(inquiry(MOST_MODELS), 0.0)
