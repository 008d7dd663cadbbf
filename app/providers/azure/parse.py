"""From a successful answer's body to a `Reading`. Pure; called by `provider`, off the event loop.

An answer that is not JSON, not an object, or has not its feature's list (or object) or the image's size is Problem
PROVIDER_GARBLED; broken findings inside a sound answer are counted (see `findings`). Nothing else is ever raised. No cap on
findings is documented, so an answer is never taken for truncated.
"""

from __future__ import annotations

from typing import Any

from app.core.model import Feature, Tree
from app.providers.answers import Broken, garbled, read_object
from app.providers.azure.features import VISUAL_FEATURES
from app.providers.azure.findings import FINDERS
from app.providers.azure.trees import Frame
from app.providers.contract import Reading

_MODEL_VERSION = "modelVersion"


def parse(feature: Feature, body: bytes) -> Reading:
    """All findings of `feature` in the answer `body`."""
    answer = read_object(body)
    findings, frame = _findings(answer, feature), _frame(answer)
    extra: dict[str, Tree] = {_MODEL_VERSION: answer[_MODEL_VERSION]} if isinstance(answer.get(_MODEL_VERSION), str) else {}
    found = tuple(FINDERS[feature](findings, frame))
    sound = tuple(detection for detection in found if detection is not None)
    return Reading(sound, body, broken=len(found) - len(sound), extra=extra)


def _findings(answer: dict[str, Any], feature: Feature) -> list[Any]:
    row = VISUAL_FEATURES[feature]
    node: Any = answer
    for member in row.findings:
        node = node.get(member) if isinstance(node, dict) else None
    if row.is_one:
        node = [node] if isinstance(node, dict) else None
    if not isinstance(node, list):
        raise garbled(f"the answer to {row.name} has no {'object' if row.is_one else 'list'} {'.'.join(row.findings)}")
    return node


def _frame(answer: dict[str, Any]) -> Frame:
    try:
        return Frame.of(answer.get("metadata"))
    except Broken as error:
        raise garbled("it does not say how large the image is") from error
