"""From a successful answer's body to a `Reading`. Pure; called by `provider`, off the event loop.

An answer that is not JSON, not an object, or has none of its operation's lists is Problem PROVIDER_GARBLED; broken findings
inside a sound answer are counted (see `findings`). Nothing else is ever raised.
"""

from __future__ import annotations

from typing import Any

from app.core.model import Feature, Tree
from app.providers.answers import garbled, read_object
from app.providers.contract import Reading
from app.providers.rekognition.findings import FINDERS
from app.providers.rekognition.operations import OPERATIONS, Operation

# What made the answer; "ProjectVersion" is the adapter that moderation was asked with.
_MODEL_VERSIONS = (
    "LabelModelVersion",
    "ProtectiveEquipmentModelVersion",
    "TextModelVersion",
    "ModerationModelVersion",
    "ProjectVersion",
)


def parse(feature: Feature, body: bytes) -> Reading:
    """All findings of the answer `body` to the operation of `feature`."""
    operation = OPERATIONS[feature]
    answer = read_object(body)
    if not any(isinstance(answer.get(name), kind) for name, kind in operation.marks.items()):
        raise garbled(f"the answer to {operation.name} has no {' or '.join(operation.marks)}")
    extra: dict[str, Tree] = {name: answer[name] for name in _MODEL_VERSIONS if isinstance(answer.get(name), str)}
    found = tuple(FINDERS[feature](answer))
    sound = tuple(detection for detection in found if detection is not None)
    is_truncated = _is_truncated(operation, answer, len(found))
    return Reading(sound, body, truncated=is_truncated, broken=len(found) - len(sound), extra=extra)


def _is_truncated(operation: Operation, answer: dict[str, Any], findings: int) -> bool:
    if operation.result_cap is None:
        return False
    if operation.caps_findings:
        return findings >= operation.result_cap
    lists = [answer.get(name) for name in operation.marks]
    return sum(len(found) for found in lists if isinstance(found, list)) >= operation.result_cap
