"""What each operation asks for: which members split lanes, which only filter, and what is out of range."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.model import Bypass, Feature, Inquiry, Task
from app.core.moderation import Category
from app.errors import Kind, Problem
from app.wire.contract import Call
from app.wire.rekognition import RekognitionDialect, RekognitionOptions
from app.wire.rekognition.operations import EQUIPMENT_TYPES, FACE_ATTRIBUTES, LABEL_FEATURES, OPERATIONS, REVIEW_CLASSIFIERS
from tests.support.aws_model import service_model
from tests.support.wire import aws_request

ARN = "arn:aws:rekognition:us-east-1:123456789012:project/p/version/p.2024/1700000000000"
REVIEW = {"HumanLoopName": "loop-1", "FlowDefinitionArn": "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/f"}
SUMMARY = {"MinConfidence": 80, "RequiredEquipmentTypes": ["HEAD_COVER", "FACE_COVER"]}


def call_of(operation: str, members: dict[str, Any], options: RekognitionOptions | None = None) -> Call:
    call = RekognitionDialect(options).read(aws_request(operation, members))
    assert isinstance(call, Call)
    return call


def inquiry_of(operation: str, members: dict[str, Any], options: RekognitionOptions | None = None) -> Inquiry:
    return call_of(operation, members, options).inquiries[0]


def test_labels_by_default() -> None:
    """55 percent is AWS's default; a sheet must know it, since others on it may ask for less."""
    inquiry = inquiry_of("DetectLabels", {})
    assert (inquiry.feature, inquiry.parameters, inquiry.min_score_unit, inquiry.max_results) == (
        Feature.OBJECTS,
        "{}",
        0.55,
        None,
    )


@pytest.mark.parametrize(
    "members",
    [
        {"MinConfidence": 0},
        {"MinConfidence": 99.5, "MaxLabels": 3},
        {"Features": ["GENERAL_LABELS"]},
        {"Features": []},
        {"Features": None, "Settings": None, "MinConfidence": None},
        {
            "Settings": {
                "GeneralLabels": {"LabelInclusionFilters": ["Car"], "LabelCategoryExclusionFilters": ["Hobbies and Interests"]}
            }
        },
    ],
)
def test_what_only_filters_labels_splits_no_lane(members: dict[str, Any]) -> None:
    call = call_of("DetectLabels", members)
    assert (call.inquiries[0].parameters, call.alone) == ("{}", None)


@pytest.mark.parametrize(("percent", "score_unit"), [(0, 0.0), (70, 0.7), (70.5, 0.705), (100, 1.0)])
def test_min_confidence_becomes_a_ratio(percent: float, score_unit: float) -> None:
    assert inquiry_of("DetectLabels", {"MinConfidence": percent}).min_score_unit == pytest.approx(score_unit)


def test_image_properties_go_alone() -> None:
    assert call_of("DetectLabels", {"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]}).alone is Bypass.FEATURES


@pytest.mark.parametrize("features", [["IMAGE_PROPERTIES"], ["GENERAL_LABELS", "IMAGE_PROPERTIES"]])
def test_image_properties_are_refused_where_nobody_behind_has_them(features: list[str]) -> None:
    with pytest.raises(Problem) as raised:
        call_of("DetectLabels", {"Features": features}, RekognitionOptions(before_aws=False))
    assert (raised.value.kind, "IMAGE_PROPERTIES" in raised.value.detail) == (Kind.UNKNOWN_OPERATION, True)


def test_the_operator_may_send_all_labels_alone() -> None:
    options = RekognitionOptions(labels_alone=True)
    assert call_of("DetectLabels", {}, options).alone is Bypass.SETTING
    assert call_of("DetectLabels", {"Features": ["IMAGE_PROPERTIES"]}, options).alone is Bypass.FEATURES
    assert call_of("DetectFaces", {}, options).alone is None
    assert call_of("DetectModerationLabels", {}, options).alone is None


@pytest.mark.parametrize(("members", "score_unit"), [({}, 0.5), ({"MinConfidence": 0}, 0.0), ({"MinConfidence": 72.5}, 0.725)])
def test_moderation_asks_for_what_is_at_least_as_likely_as_not(members: dict[str, Any], score_unit: float) -> None:
    """50 percent is AWS's default; thresholds only filter, so that groups are shared whatever they are."""
    call = call_of("DetectModerationLabels", members)
    assert call.task is Task.MODERATE
    assert call.inquiries == (
        Inquiry(
            Feature.MODERATION,
            min_score_unit=score_unit,
            own_vendor="rekognition",
            own_request=json.dumps(members, separators=(",", ":")),
        ),
    )
    assert call.alone is None


def test_before_another_vendor_only_what_the_answer_has_a_label_for_counts() -> None:
    """AWS itself says nothing else, and may have labels that nobody here knows."""
    before_other = RekognitionOptions(before_aws=False)
    assert set(Category) - set(inquiry_of("DetectModerationLabels", {}, before_other).categories) == {"medical", "spoof"}
    assert inquiry_of("DetectModerationLabels", {}).categories == ()
    assert inquiry_of("DetectLabels", {}, before_other).categories == ()


def test_an_adapter_is_another_model() -> None:
    """Its images share groups with its own kind only."""
    inquiry = inquiry_of("DetectModerationLabels", {"ProjectVersion": ARN})
    assert json.loads(inquiry.parameters) == {"ProjectVersion": ARN}
    assert call_of("DetectModerationLabels", {"ProjectVersion": ARN}).alone is None


def test_a_human_review_is_about_one_image_in_its_own_words() -> None:
    members = {"HumanLoopConfig": REVIEW, "MinConfidence": 60}
    call = call_of("DetectModerationLabels", members)
    assert call.alone is Bypass.FEATURES
    assert json.loads(call.inquiries[0].own_request) == members


@pytest.mark.parametrize(
    ("members", "word"), [({"HumanLoopConfig": REVIEW}, "HumanLoopConfig"), ({"ProjectVersion": ARN}, "ProjectVersion")]
)
def test_reviews_and_adapters_are_refused_where_nobody_behind_has_them(members: dict[str, Any], word: str) -> None:
    with pytest.raises(Problem) as raised:
        call_of("DetectModerationLabels", members, RekognitionOptions(before_aws=False))
    assert (raised.value.kind, word in raised.value.detail) == (Kind.UNKNOWN_OPERATION, True)
    assert call_of("DetectModerationLabels", {}, RekognitionOptions(before_aws=False)).alone is None


@pytest.mark.parametrize(
    ("attributes", "parameters"),
    [
        (None, "{}"),
        ([], "{}"),
        (["DEFAULT"], "{}"),
        (["ALL"], '{"Attributes":["ALL"]}'),
        (["DEFAULT", "ALL", "BEARD"], '{"Attributes":["ALL"]}'),
        (["SMILE", "BEARD", "SMILE"], '{"Attributes":["DEFAULT","BEARD","SMILE"]}'),
        (["BEARD", "DEFAULT", "SMILE"], '{"Attributes":["DEFAULT","BEARD","SMILE"]}'),
    ],
)
def test_equal_wishes_for_face_attributes_share_a_lane(attributes: list[str] | None, parameters: str) -> None:
    inquiry = inquiry_of("DetectFaces", {"Attributes": attributes})
    assert (inquiry.parameters, inquiry.min_score_unit, inquiry.max_results) == (parameters, None, None)


def test_celebrities_know_no_parameters() -> None:
    assert inquiry_of("RecognizeCelebrities", {"Anything": 1}).parameters == "{}"


def test_a_summary_splits_lanes_by_what_it_is_about() -> None:
    """In whatever order the types come."""
    turned = {**SUMMARY, "RequiredEquipmentTypes": ["FACE_COVER", "HEAD_COVER"]}
    lanes = {
        inquiry_of("DetectProtectiveEquipment", members).parameters
        for members in ({}, {"SummarizationAttributes": SUMMARY}, {"SummarizationAttributes": turned})
    }
    expected = '{"SummarizationAttributes":{"MinConfidence":80.0,"RequiredEquipmentTypes":["FACE_COVER","HEAD_COVER"]}}'
    assert lanes == {"{}", expected}


def test_custom_models_and_trained_thresholds_split_lanes() -> None:
    """Without MinConfidence each label has its own threshold; how high a given one is splits nothing."""
    trained = inquiry_of("DetectCustomLabels", {"ProjectVersionArn": ARN, "MaxResults": 5})
    low = inquiry_of("DetectCustomLabels", {"ProjectVersionArn": ARN, "MinConfidence": 0})
    high = inquiry_of("DetectCustomLabels", {"ProjectVersionArn": ARN, "MinConfidence": 90})
    assert (trained.min_score_unit, trained.max_results, low.min_score_unit, high.min_score_unit) == (None, 5, 0.0, 0.9)
    assert low.parameters == high.parameters != trained.parameters
    assert json.loads(trained.parameters) == {"ProjectVersionArn": ARN}


@pytest.mark.parametrize(
    ("operation", "members", "word"),
    [
        ("DetectLabels", {"MinConfidence": 101}, "MinConfidence"),
        ("DetectLabels", {"MinConfidence": -0.1}, "MinConfidence"),
        ("DetectLabels", {"MinConfidence": 10**40}, "MinConfidence"),
        ("DetectLabels", {"MaxLabels": -1}, "MaxLabels"),
        ("DetectLabels", {"MaxLabels": 2**31}, "MaxLabels"),
        ("DetectLabels", {"Features": ["NOPE"]}, "Features"),
        ("DetectLabels", {"Features": ["general_labels"]}, "Features"),
        ("DetectLabels", {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["x"] * 101}}}, "LabelInclusionFilters"),
        ("DetectLabels", {"Settings": {"GeneralLabels": {"LabelExclusionFilters": ["x" * 51]}}}, "LabelExclusionFilters"),
        (
            "DetectLabels",
            {"Settings": {"GeneralLabels": {"LabelCategoryInclusionFilters": ["\n"]}}},
            "Settings.GeneralLabels.LabelCategoryInclusionFilters",
        ),
        ("DetectFaces", {"Attributes": ["ALL", "NOSE"]}, "Attributes"),
        ("DetectProtectiveEquipment", {"SummarizationAttributes": {}}, "SummarizationAttributes.MinConfidence is missing"),
        ("DetectProtectiveEquipment", {"SummarizationAttributes": {"MinConfidence": 80}}, "RequiredEquipmentTypes is missing"),
        ("DetectProtectiveEquipment", {"SummarizationAttributes": {**SUMMARY, "MinConfidence": 101}}, "MinConfidence"),
        ("DetectProtectiveEquipment", {"SummarizationAttributes": {**SUMMARY, "RequiredEquipmentTypes": ["HAT"]}}, "HAT"),
        ("DetectModerationLabels", {"MinConfidence": 100.1}, "MinConfidence"),
        ("DetectModerationLabels", {"ProjectVersion": ""}, "ProjectVersion"),
        ("DetectModerationLabels", {"ProjectVersion": "arn:aws:s3:::bucket"}, "ProjectVersion"),
        ("DetectModerationLabels", {"ProjectVersion": f"{ARN}/more"}, "ProjectVersion"),
        ("DetectModerationLabels", {"HumanLoopConfig": {}}, "HumanLoopConfig.HumanLoopName is missing"),
        ("DetectModerationLabels", {"HumanLoopConfig": {"HumanLoopName": "loop"}}, "FlowDefinitionArn is missing"),
        ("DetectModerationLabels", {"HumanLoopConfig": {**REVIEW, "HumanLoopName": "Loop"}}, "HumanLoopName"),
        ("DetectModerationLabels", {"HumanLoopConfig": {**REVIEW, "HumanLoopName": "a" * 64}}, "HumanLoopName"),
        ("DetectModerationLabels", {"HumanLoopConfig": {**REVIEW, "FlowDefinitionArn": "f" * 257}}, "FlowDefinitionArn"),
        (
            "DetectModerationLabels",
            {"HumanLoopConfig": {**REVIEW, "DataAttributes": {"ContentClassifiers": ["Free"]}}},
            "HumanLoopConfig.DataAttributes.ContentClassifiers",
        ),
        ("DetectCustomLabels", {}, "ProjectVersionArn is missing"),
        ("DetectCustomLabels", {"ProjectVersionArn": "arn:aws:s3:::bucket"}, "ProjectVersionArn"),
        ("DetectCustomLabels", {"ProjectVersionArn": ARN, "MinConfidence": 100.5}, "MinConfidence"),
        ("DetectCustomLabels", {"ProjectVersionArn": ARN, "MaxResults": -5}, "MaxResults"),
    ],
)
def test_values_outside_their_constraints(operation: str, members: dict[str, Any], word: str) -> None:
    with pytest.raises(Problem) as caught:
        call_of(operation, members)
    assert caught.value.kind is Kind.INVALID_PARAMETER
    assert word in caught.value.detail


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("DetectLabels", {"MinConfidence": "70"}),
        ("DetectLabels", {"MinConfidence": True}),
        ("DetectLabels", {"MaxLabels": 1.5}),
        ("DetectLabels", {"MaxLabels": False}),
        ("DetectLabels", {"MaxLabels": "5"}),
        ("DetectLabels", {"Features": "GENERAL_LABELS"}),
        ("DetectLabels", {"Features": [1]}),
        ("DetectLabels", {"Settings": []}),
        ("DetectLabels", {"Settings": {"GeneralLabels": "Car"}}),
        ("DetectLabels", {"Settings": {"GeneralLabels": {"LabelInclusionFilters": {}}}}),
        ("DetectFaces", {"Attributes": {"ALL": True}}),
        ("DetectProtectiveEquipment", {"SummarizationAttributes": [SUMMARY]}),
        ("DetectModerationLabels", {"MinConfidence": "50"}),
        ("DetectModerationLabels", {"ProjectVersion": ["x"]}),
        ("DetectModerationLabels", {"HumanLoopConfig": "loop"}),
        ("DetectModerationLabels", {"HumanLoopConfig": {**REVIEW, "DataAttributes": []}}),
        ("DetectCustomLabels", {"ProjectVersionArn": 5}),
    ],
)
def test_wrong_json_types_cannot_be_read(operation: str, members: dict[str, Any]) -> None:
    with pytest.raises(Problem) as caught:
        call_of(operation, members)
    assert caught.value.kind is Kind.MALFORMED_REQUEST


def test_our_words_and_limits_are_those_of_the_service_model() -> None:
    """A newer botocore with a new attribute fails here, and then the table is brought up to date."""
    model = service_model()
    assert frozenset(model.shape_for("DetectLabelsFeatureName").enum) == LABEL_FEATURES
    assert frozenset(model.shape_for("Attribute").enum) == FACE_ATTRIBUTES
    assert frozenset(model.shape_for("ProtectiveEquipmentType").enum) == EQUIPMENT_TYPES
    assert frozenset(model.shape_for("ContentClassifier").enum) == REVIEW_CLASSIFIERS
    assert model.shape_for("ImageBlob").metadata["max"] == OPERATIONS["DetectLabels"].inline_bytes
    assert set(OPERATIONS) <= set(model.operation_names)
