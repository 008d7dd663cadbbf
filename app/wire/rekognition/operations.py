"""The operations that can share a sheet: one row each. What is not in the table is passed through to AWS whole.

A row says what is asked for (feature), how large an inline image may be, how the operation's own members become an inquiry,
and who writes the answer. Members that change the inference become `parameters` (they split lanes); those that only filter
are applied to each image's own answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from app.core.model import Bypass, Feature
from app.wire.rekognition.answers import write_celebrities, write_custom_labels, write_faces, write_protective_equipment
from app.wire.rekognition.findings import PERCENT, Found, LabelFilters, Wanted, Written
from app.wire.rekognition.labels import write_labels
from app.wire.rekognition.members import Members
from app.wire.rekognition.moderation import write_moderation
from app.wire.rekognition.text import write_text

# Largest inline image, bytes: 5 MB in the service model, 4 MB for protective equipment and custom labels ("Guidelines and
# quotas in Amazon Rekognition").
INLINE_BYTES = 5_242_880
SMALL_INLINE_BYTES = 4_194_304

# Passed-through operations that AWS charges an image for begin so (its price page, groups 1 and 2); the rest is management.
BILLED_VERBS = ("Detect", "Recognize", "Compare", "Search", "Index")

# DetectLabels without MinConfidence returns labels of at least 55 percent (service model).
DEFAULT_LABEL_PERCENT = 55.0
# DetectModerationLabels without MinConfidence returns labels of at least 50 percent (service model).
DEFAULT_MODERATION_PERCENT = 50.0
# DetectText without a filter returns words of at least 80 percent (API reference, DetectionFilter).
DEFAULT_WORD_PERCENT = 80.0

# Enumerations of the service model (a test compares them with botocore's).
LABEL_FEATURES = frozenset({"GENERAL_LABELS", "IMAGE_PROPERTIES"})
EQUIPMENT_TYPES = frozenset({"FACE_COVER", "HAND_COVER", "HEAD_COVER"})
FACE_ATTRIBUTES = frozenset(
    {"DEFAULT", "ALL", "AGE_RANGE", "BEARD", "EMOTIONS", "EYE_DIRECTION", "EYEGLASSES", "EYES_OPEN", "FACE_OCCLUDED"}
    | {"GENDER", "MOUTH_OPEN", "MUSTACHE", "SMILE", "SUNGLASSES"}
)

# Constraints of the service model for DetectLabels' filters, for a human review, and for the ARN of a custom model or adapter.
_FILTER_ITEMS, _FILTER_CHARACTERS = 100, 50
_FILTER_VALUE = re.compile(r"[A-Za-z0-9àâèçñó'-_(). ]*")
_REVIEW_NAME = re.compile(r"(?=.{1,63}\Z)[a-z0-9](?:-*[a-z0-9])*", re.ASCII)
_REVIEW_FLOW = re.compile(r"[\s\S]{1,256}")
REVIEW_CLASSIFIERS = frozenset({"FreeOfPersonallyIdentifiableInformation", "FreeOfAdultContent"})
_MODEL_ARN = re.compile(
    r"arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project/[a-zA-Z0-9_.\-]{1,255}/version/[a-zA-Z0-9_.\-]{1,255}/[0-9]+", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation's own members, understood. `only_aws`: the one that no other vendor could answer, if any."""

    parameters: Mapping[str, object] = field(default_factory=dict)
    min_percent: float | None = None
    max_results: int | None = None
    wanted: Wanted = field(default_factory=Wanted)
    alone: Bypass | None = None
    only_aws: str = ""

    @property
    def min_score_unit(self) -> float | None:
        return None if self.min_percent is None else self.min_percent / PERCENT


@dataclass(frozen=True, slots=True)
class Operation:
    """One griddable operation."""

    feature: Feature
    inline_bytes: int
    ask: Callable[[Members], Asked]
    write: Callable[[Found], Written]


def _ask_labels(members: Members) -> Asked:
    features = members.choices("Features", LABEL_FEATURES) or frozenset({"GENERAL_LABELS"})
    is_about_image = "IMAGE_PROPERTIES" in features
    min_percent = members.percent("MinConfidence")
    settings = members.structure("Settings").structure("GeneralLabels")
    return Asked(
        min_percent=DEFAULT_LABEL_PERCENT if min_percent is None else min_percent,
        max_results=members.count("MaxLabels"),
        wanted=Wanted(general_labels="GENERAL_LABELS" in features, filters=_label_filters(settings)),
        # Quality and colours belong to a whole image: on a sheet they would be everybody's.
        alone=Bypass.FEATURES if is_about_image else None,
        only_aws="IMAGE_PROPERTIES" if is_about_image else "",
    )


def _label_filters(settings: Members) -> LabelFilters:
    def names(member: str) -> frozenset[str]:
        return frozenset(
            settings.texts(member, max_items=_FILTER_ITEMS, max_characters=_FILTER_CHARACTERS, pattern=_FILTER_VALUE)
        )

    return LabelFilters(
        include_labels=names("LabelInclusionFilters"),
        exclude_labels=names("LabelExclusionFilters"),
        include_categories=names("LabelCategoryInclusionFilters"),
        exclude_categories=names("LabelCategoryExclusionFilters"),
    )


def _ask_moderation(members: Members) -> Asked:
    """An adapter is another model. A human review is begun for one image, and its answer says so: no group can have one."""
    min_percent = members.percent("MinConfidence")
    arn = members.text("ProjectVersion", _MODEL_ARN, "the ARN of an adapter's version")
    is_reviewed = members.has("HumanLoopConfig")
    if is_reviewed:
        review = members.structure("HumanLoopConfig")
        review.required("HumanLoopName")
        review.required("FlowDefinitionArn")
        review.text("HumanLoopName", _REVIEW_NAME, "1 to 63 lower case letters, digits and hyphens")
        review.text("FlowDefinitionArn", _REVIEW_FLOW, "the ARN of a flow definition")
        review.structure("DataAttributes").choices("ContentClassifiers", REVIEW_CLASSIFIERS)
    return Asked(
        {} if arn is None else {"ProjectVersion": arn},
        min_percent=DEFAULT_MODERATION_PERCENT if min_percent is None else min_percent,
        alone=Bypass.FEATURES if is_reviewed else None,
        only_aws="HumanLoopConfig" if is_reviewed else "ProjectVersion" if arn is not None else "",
    )


def _ask_faces(members: Members) -> Asked:
    """The default attributes are always returned, and ALL is all: equal wishes in other words share a lane."""
    attributes = members.choices("Attributes", FACE_ATTRIBUTES)
    if "ALL" in attributes:
        return Asked({"Attributes": ["ALL"]})
    more = attributes - {"DEFAULT"}
    return Asked({"Attributes": ["DEFAULT", *sorted(more)]} if more else {})


def _ask_celebrities(_: Members) -> Asked:
    return Asked()


def _ask_protective_equipment(members: Members) -> Asked:
    """The summary is the vendor's own judgement of each person, so what it is asked for splits lanes."""
    if not members.has("SummarizationAttributes"):
        return Asked()
    attributes = members.structure("SummarizationAttributes")
    attributes.required("MinConfidence")
    attributes.required("RequiredEquipmentTypes")
    least = attributes.percent("MinConfidence")
    types = sorted(attributes.choices("RequiredEquipmentTypes", EQUIPMENT_TYPES))
    parameters = {"SummarizationAttributes": {"MinConfidence": least, "RequiredEquipmentTypes": types}}
    return Asked(parameters, wanted=Wanted(summary=True))


def _ask_text(members: Members) -> Asked:
    """Regions of interest belong to one image: a sheet has others."""
    filters = members.structure("Filters")
    words = filters.structure("WordFilter")
    min_percent = words.percent("MinConfidence")
    return Asked(
        min_percent=DEFAULT_WORD_PERCENT if min_percent is None else min_percent,
        wanted=Wanted(
            min_word_width=words.ratio("MinBoundingBoxWidth") or 0.0,
            min_word_height=words.ratio("MinBoundingBoxHeight") or 0.0,
        ),
        alone=Bypass.FEATURES if filters.has("RegionsOfInterest") else None,
    )


def _ask_custom_labels(members: Members) -> Asked:
    """Without MinConfidence every label has its own trained threshold: such requests cannot share a sheet with others."""
    members.required("ProjectVersionArn")
    parameters: dict[str, object] = {
        "ProjectVersionArn": members.text("ProjectVersionArn", _MODEL_ARN, "the ARN of a model version")
    }
    min_percent = members.percent("MinConfidence")
    if min_percent is not None:
        parameters["MinConfidenceGiven"] = True  # a note to the provider, which asks with the loosest of the lane
    return Asked(parameters, min_percent=min_percent, max_results=members.count("MaxResults"))


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "DetectLabels": Operation(Feature.OBJECTS, INLINE_BYTES, _ask_labels, write_labels),
        "DetectFaces": Operation(Feature.FACES, INLINE_BYTES, _ask_faces, write_faces),
        "RecognizeCelebrities": Operation(Feature.CELEBRITIES, INLINE_BYTES, _ask_celebrities, write_celebrities),
        "DetectProtectiveEquipment": Operation(
            Feature.PROTECTIVE_EQUIPMENT, SMALL_INLINE_BYTES, _ask_protective_equipment, write_protective_equipment
        ),
        "DetectModerationLabels": Operation(Feature.MODERATION, INLINE_BYTES, _ask_moderation, write_moderation),
        "DetectText": Operation(Feature.TEXT, INLINE_BYTES, _ask_text, write_text),
        "DetectCustomLabels": Operation(Feature.CUSTOM_OBJECTS, SMALL_INLINE_BYTES, _ask_custom_labels, write_custom_labels),
    }
)
