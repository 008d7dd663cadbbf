"""Merging what several images are asked for into the one inquiry their sheet is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.model import Inquiry


def loosest(inquiries: Sequence[Inquiry]) -> Inquiry:
    """The inquiry of a sheet: as loose as its loosest image, so that filtering per image afterwards loses nothing.

    The lowest score counts, and none where an image leaves it to the vendor. There is no limit on results: not even the
    sum of the limits would do, because a crowded image could use up its neighbours' share of it. All inquiries must agree
    on the feature and on the parameters that change the inference (they share a lane); ValueError otherwise. Of images that
    want labels the objects are asked for, because these have places.
    """
    kinds = {(inquiry.feature, inquiry.parameters) for inquiry in inquiries}
    if len(kinds) != 1:
        raise ValueError("only inquiries of one lane can share a sheet")
    feature, parameters = kinds.pop()
    scores = [inquiry.min_score_unit for inquiry in inquiries]
    lowest = None if None in scores else min(score for score in scores if score is not None)
    return Inquiry(feature=feature.on_sheet, parameters=parameters, min_score_unit=lowest)
