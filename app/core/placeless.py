"""Models that answer without boxes, such as a custom model that classifies: on a sheet, nobody could say whose its labels are.

No vendor tells before it is asked. So the first sheet of such a model is paid in vain; from then on its images go alone.
Pure: the pipeline says what it saw and when. A model is what stands in a lane as feature and parameters.
"""

from __future__ import annotations

from collections import OrderedDict

from app.core.model import Answer, Feature, Inquiry, Outcome

# So long after the last answer without boxes a sheet is tried again, seconds.
FORGET_S = 3600.0
# Most models that are remembered; the one that was seen longest ago is forgotten first.
MOST_MODELS = 1000
# Of all features only these come from models that an operator chose; the vendors' own always give boxes, or else never.
_CHOSEN = frozenset({Feature.CUSTOM_OBJECTS})


class Placeless:
    """Remembers which models were seen to answer without boxes."""

    def __init__(self) -> None:
        self._until_s: OrderedDict[tuple[Feature, str], float] = OrderedDict()

    def saw(self, inquiry: Inquiry, outcome: Outcome, now_s: float) -> None:
        """Learn from one answer."""
        if inquiry.feature not in _CHOSEN or not isinstance(outcome.result, Answer):
            return
        if all(detection.box is not None for detection in outcome.result.detections):
            return
        model = (inquiry.feature, inquiry.parameters)
        self._until_s[model] = now_s + FORGET_S
        self._until_s.move_to_end(model)
        if len(self._until_s) > MOST_MODELS:
            self._until_s.popitem(last=False)

    def knows(self, inquiry: Inquiry, now_s: float) -> bool:
        """Whether the model of this inquiry would waste a sheet."""
        return now_s < self._until_s.get((inquiry.feature, inquiry.parameters), float("-inf"))
