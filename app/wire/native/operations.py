"""The native operations: one row each. A row says what can be asked for, with which parameters, and who writes the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import BaseModel

from app.core.model import Feature, Task
from app.wire.native.envelope import Found
from app.wire.native.labels import ClassifyReply, write_labels
from app.wire.native.moderation import ModerateReply, write_moderation
from app.wire.native.reply import DetectReply, write_detections

# What can be detected; not every provider offers all of it. Custom models need the ARN of a model, which only the vendor's own
# dialect can name.
DETECTED: Mapping[str, Feature] = {
    feature.value: feature for feature in Feature if feature.task is Task.DETECT and feature is not Feature.CUSTOM_OBJECTS
}
FEATURES_PARAMETER, RESULTS_PARAMETER, SCORE_PARAMETER, CATEGORIES_PARAMETER = (
    "features",
    "max_results",
    "min_score",
    "categories",
)
_PARAMETERS = (FEATURES_PARAMETER, RESULTS_PARAMETER, SCORE_PARAMETER)


@dataclass(frozen=True, slots=True)
class Operation:
    """`features`: by the words that ask for them; `default`: where none is named. `write`: the answer's model out of what was
    found, and how many boxes the request's own filters left out of it.
    """

    name: str
    summary: str
    features: Mapping[str, Feature]
    default: Feature
    parameters: tuple[str, ...]
    reply: type[BaseModel]
    write: Callable[[Found], tuple[BaseModel, int]]

    @property
    def path(self) -> str:
        return f"/v1/{self.name}"


_ALL = (
    Operation(
        "detect",
        "Detect objects, faces, text and more in one image",
        DETECTED,
        Feature.OBJECTS,
        _PARAMETERS,
        DetectReply,
        write_detections,
    ),
    Operation(
        "classify",
        "Say what one image shows",
        {Feature.LABELS.value: Feature.LABELS},
        Feature.LABELS,
        _PARAMETERS,
        ClassifyReply,
        write_labels,
    ),
    Operation(
        "moderate",
        "Say whether one image is unsafe, and why",
        {Feature.MODERATION.value: Feature.MODERATION},
        Feature.MODERATION,
        (*_PARAMETERS, CATEGORIES_PARAMETER),
        ModerateReply,
        write_moderation,
    ),
)
OPERATIONS: Mapping[str, Operation] = MappingProxyType({operation.name: operation for operation in _ALL})
