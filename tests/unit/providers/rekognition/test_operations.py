"""The table of operations against AWS's own service model: names, members and limits are AWS's, not ours."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from app.core.model import Feature
from app.providers.rekognition.operations import MOST_LABELS, OPERATIONS, VENDOR, capabilities

MODEL: Any = botocore.session.get_session().get_service_model("rekognition")


@pytest.mark.parametrize("feature", list(OPERATIONS))
def test_names_and_members_are_the_models(feature: Feature) -> None:
    operation = OPERATIONS[feature]
    model = MODEL.operation_model(operation.name)
    assert set(operation.marks) <= set(model.output_shape.members)
    types: dict[type, str] = {list: "list", dict: "structure"}
    assert all(model.output_shape.members[name].type_name == types[kind] for name, kind in operation.marks.items())
    shape = model.input_shape
    for name in operation.confidence_member:
        shape = shape.members[name]


@pytest.mark.parametrize("feature", list(OPERATIONS))
def test_filters_that_the_operation_has_are_used(feature: Feature) -> None:
    operation = OPERATIONS[feature]
    members = set(MODEL.operation_model(operation.name).input_shape.members)
    assert bool(members & {"MinConfidence", "Filters"}) == bool(operation.confidence_member)


def test_the_largest_inline_image_is_the_models() -> None:
    limit_bytes = MODEL.shape_for("ImageBlob").metadata["max"]
    assert max(capabilities("rekognition").max_image_bytes.values()) == limit_bytes


@pytest.mark.parametrize("name", ["rekognition", "emulator"])
def test_an_emulator_stands_for_the_real_one_under_its_own_name(name: str) -> None:
    declared = capabilities(name)
    assert (declared.provider, declared.vendor, declared.accuracy_table) == (name, VENDOR, VENDOR)
    assert declared.features == set(OPERATIONS) < set(Feature)
    assert declared.formats == {"jpeg", "png"}
    assert {declared.dollars(feature) for feature in declared.features} == {0.001}
    assert declared.min_side_px <= declared.sheet_side_px <= declared.max_side_px
    assert (
        declared.max_image_bytes[Feature.CUSTOM_OBJECTS] == declared.max_image_bytes[Feature.PROTECTIVE_EQUIPMENT] == 4_194_304
    )
    assert {feature: row.result_cap for feature, row in OPERATIONS.items() if row.result_cap is not None} == {
        Feature.OBJECTS: MOST_LABELS,
        Feature.LABELS: MOST_LABELS,
        Feature.FACES: 100,
        Feature.CELEBRITIES: 64,
        Feature.PROTECTIVE_EQUIPMENT: 15,
        Feature.TEXT: 100,
    }
