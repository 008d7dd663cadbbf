"""The table of operations: names and image members are those of AWS's service model, limits those of its documentation."""

from __future__ import annotations

import pytest

from app.emulators.rekognition.collections import PLAIN_OPERATIONS
from app.emulators.rekognition.operations import IMAGE_OPERATIONS
from tests.support.aws_model import service_model

SMALL = {"DetectProtectiveEquipment", "DetectCustomLabels"}


def test_every_operation_is_one_of_the_service() -> None:
    assert set(IMAGE_OPERATIONS) | set(PLAIN_OPERATIONS) <= set(service_model().operation_names)
    assert not set(IMAGE_OPERATIONS) & set(PLAIN_OPERATIONS)


@pytest.mark.parametrize("name", IMAGE_OPERATIONS)
def test_image_members_are_those_of_the_model(name: str) -> None:
    members = service_model().operation_model(name).input_shape.members
    images = tuple(member for member, shape in members.items() if shape.name == "Image")
    assert IMAGE_OPERATIONS[name].images == images


@pytest.mark.parametrize("name", IMAGE_OPERATIONS)
def test_limits(name: str) -> None:
    operation = IMAGE_OPERATIONS[name]
    mebibytes, least_px, most_px = (4, 64, 4096) if name in SMALL else (5, 80, 10_000)
    assert operation.inline_bytes == mebibytes * 1024 * 1024
    assert (operation.sides.least_px, operation.sides.most_px) == (least_px, most_px)


@pytest.mark.parametrize("name", sorted(set(IMAGE_OPERATIONS) - {"DetectLabels"}))
def test_an_operation_is_billed_under_its_name(name: str) -> None:
    assert IMAGE_OPERATIONS[name].charges(None) == (name,)
