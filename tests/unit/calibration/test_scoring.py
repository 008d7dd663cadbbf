"""Accuracy, checked against a plain implementation, and what single images lose."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from app.calibration.bootstrap import quick_map, weighted_map
from app.calibration.dataset import Photo, Truth
from app.calibration.loading import Terms, load
from app.calibration.matching import classes_of
from app.calibration.scoring import evaluate, image_loss, image_precision, taken_for_truth, unanswered
from app.core.geometry import PixelBox, Size, UnitBox
from app.core.model import Detection, Picture
from app.detectors.onnx import OnnxDetector
from app.imaging.decode import decode
from tests.support.eval_data import FOLDER, models, needs_eval_data
from tests.support.plain_map import plain_by_class, plain_map
from tests.support.scored import BOX, FAR, HALF_OF_BOX, Run, photo, runs, seen

# Half of one of the thousand steps of recall that the library reads: see app/calibration/library.py.
TOLERANCE = 0.0005 + 1e-9


@pytest.mark.parametrize(
    ("truths", "found", "map50"),
    [
        ([Truth("cat", BOX)], [], 0.0),
        ([Truth("cat", BOX)], [seen("Cat", 0.9)], 1.0),
        ([Truth("cat", BOX)], [seen("Dog", 0.9)], 0.0),
        ([Truth("cat", BOX)], [seen("Cat", 0.9, FAR), seen("Cat", 0.8)], 0.5),  # wrong first
        ([Truth("cat", BOX)], [seen("Cat", 0.9), seen("Cat", 0.8)], 1.0),  # the double ranks below
        ([Truth("cat", BOX)], [seen("Cat", 0.9, HALF_OF_BOX)], 1.0),  # an overlap of exactly one half
        ([Truth("cat", BOX)], [seen("Cat", 0.9, None)], 0.0),  # without a box
        ([Truth("cat", BOX)], [seen("Cat", 0.001)], 0.0),  # noise
        ([Truth("cat", BOX), Truth("cat", FAR)], [seen("Cat", 0.9)], 0.5),
        ([Truth("cat", BOX), Truth("dog", FAR)], [seen("Cat", 0.9)], 0.5),
        ([Truth("cat", BOX), Truth("cat", FAR, True)], [seen("Cat", 0.9, FAR), seen("Cat", 0.8)], 1.0),
        ([Truth("cat", BOX), Truth("cat", FAR, True)], [seen("Cat", 0.9, FAR), seen("Cat", 0.9, FAR), seen("Cat", 0.8)], 1.0),
        ([Truth("cat", BOX), Truth("dog", FAR, True)], [seen("Cat", 0.9)], 1.0),  # a class of difficult objects only
    ],
)
def test_accuracy_by_hand(truths: list[Truth], found: list[Detection], map50: float) -> None:
    assert evaluate([photo(*truths)], {"a": found}).map50 == pytest.approx(map50)


def test_figures_are_told_by_class_in_the_data_sets_words() -> None:
    accuracy = evaluate([photo(Truth("sofa", BOX), Truth("tvmonitor", FAR))], {"a": [seen("Couch", 0.9), seen("Cat", 0.9)]})
    assert accuracy.by_class == {"sofa": 1.0, "tvmonitor": 0.0}


def test_sizes_are_those_of_coco_in_pixels_of_the_image() -> None:
    """31x31 px is small, 33x33 px medium, 100x100 px large; what is of another size is neither right nor wrong."""
    boxes = [UnitBox(0.0, 0.0, 0.031, 0.031), UnitBox(0.1, 0.1, 0.133, 0.133), UnitBox(0.5, 0.5, 0.6, 0.6)]
    truths = [Truth("cat", box) for box in boxes]
    everything = [seen("Cat", 0.9, box) for box in boxes]
    subject = photo(*truths, size=Size(1000, 1000))
    assert evaluate([subject], {"a": everything}).by_size == {"small": 1.0, "medium": 1.0, "large": 1.0}
    assert evaluate([subject], {"a": everything[:2]}).by_size == {"small": 1.0, "medium": 1.0, "large": 0.0}
    assert evaluate([photo(truths[1], size=Size(1000, 1000))], {"a": everything}).by_size == {"medium": 1.0}
    assert evaluate([subject], {"a": everything}, by_size=False).by_size == {}


def test_the_turned_image_counts_the_pixels_of_the_upright_one() -> None:
    tall = Photo("a", Path("a.jpg"), Picture("jpeg", Size(1000, 10), 6), (Truth("cat", UnitBox(0, 0, 1, 0.02)),))
    assert evaluate([tall], {"a": []}).by_size == {"small": 0.0}


def test_a_photograph_without_an_answer_is_an_error_not_a_blank() -> None:
    with pytest.raises(ValueError, match="no answer for a"):
        evaluate([photo(Truth("cat", BOX))], {})


@pytest.mark.parametrize("truths", [[], [Truth("cat", BOX, True)]])
def test_accuracy_needs_something_to_be_found(truths: list[Truth]) -> None:
    with pytest.raises(ValueError, match="at least one object"):
        evaluate([photo(*truths)], {"a": [seen("Cat", 0.9)]})


def test_classes_that_no_answer_names_are_told_and_count_as_never_found() -> None:
    subject = photo(Truth("cat", BOX), Truth("unicorn", FAR), Truth("Unicorn", BOX, True))
    found = {"a": [seen("Cat", 0.9), seen("Dog", 0.9)]}
    assert unanswered([subject], found) == {"unicorn": 2}
    assert evaluate([subject], found).map50 == 0.5


def test_evaluating_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    evaluate([photo(Truth("cat", BOX))], {"a": []})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("found", "precision"),
    [
        ([], 0.0),
        ([seen("Cat", 0.9)], 1.0),
        ([seen("Cat", 0.9), seen("Cat", 0.8, FAR)], 1.0),
        ([seen("Dog", 0.9, FAR), seen("Cat", 0.8)], 2.0),
        ([seen("Bird", 0.9)], 0.0),
    ],
)
def test_an_image_gives_each_of_its_classes_as_many_points_as_objects(found: list[Detection], precision: float) -> None:
    subject = photo(Truth("cat", BOX), Truth("dog", FAR), Truth("cat", BOX, True))
    assert image_precision(subject, found) == pytest.approx(precision)


def test_an_images_loss_is_what_the_reference_had_more() -> None:
    subject = photo(Truth("cat", BOX), Truth("dog", FAR))
    both, one = [seen("Cat", 0.9), seen("Dog", 0.9, FAR)], [seen("Cat", 0.9)]
    assert image_loss(subject, both, one) == 1.0
    assert image_loss(subject, one, both) == -1.0
    assert image_loss(photo(), both, one) == 0.0


def test_without_truth_the_answers_to_single_images_are_the_truth() -> None:
    """Sure ones are objects, doubtful ones difficult, the rest nothing; exact doubles count once."""
    alone = [seen("Cat", 0.9), seen("Cat", 0.8), seen("Cat", 0.2, FAR), seen("Dog", 0.05), seen("Dog", 0.9, None)]
    [subject] = taken_for_truth([photo()], {"a": alone})
    assert subject.truths == (Truth("Cat", BOX), Truth("Cat", FAR, True))
    assert evaluate([subject], {"a": alone}).map50 == 1.0


@given(runs())
@settings(max_examples=300, deadline=None)
def test_the_library_agrees_with_the_plain_devkit(run: Run) -> None:
    photos, found = run
    plain = {name: ap for name, ap in plain_by_class(photos, found).items() if ap is not None}
    if not plain:
        return
    accuracy = evaluate(photos, found)
    assert accuracy.map50 == pytest.approx(plain_map(photos, found), abs=TOLERANCE)
    assert len(accuracy.by_class) == len(plain)
    for name, written in classes_of(photos).items():
        if name in plain:
            assert accuracy.by_class[written] == pytest.approx(plain[name], abs=TOLERANCE)


@given(runs())
@settings(max_examples=300, deadline=None)
def test_the_bootstraps_own_sum_agrees_with_the_plain_devkit(run: Run) -> None:
    photos, found = run
    plain = plain_map(photos, found)
    [own] = weighted_map(photos, found, np.ones((len(photos), 1)))
    assert math.isnan(own) if plain is None else own == pytest.approx(plain)


# --- Real photographs and a real detector: as many detections, ties and doubles as there are in practice.


@needs_eval_data
@pytest.mark.parametrize("pool", ["voc2012", "coco2017"])
def test_on_photographs_all_ways_agree(pool: str) -> None:
    """All points against a thousand steps: within 0.0005 a class. The bootstrap's sum is the plain one to the last digits."""
    photos = load(f"voc:{FOLDER}/{pool}", Terms(limit=40)).photos
    detector = OnnxDetector(next(path for path in models() if "femto" in path.name))
    found = {photo.id: answered(detector, photo) for photo in photos}
    plain = plain_map(photos, found)
    assert plain is not None
    assert 0.3 < plain < 1
    assert evaluate(photos, found).map50 == pytest.approx(plain, abs=TOLERANCE)
    assert quick_map(photos, found) == pytest.approx(plain, abs=1e-9)


def answered(detector: OnnxDetector, photo: Photo) -> list[Detection]:
    size = photo.picture.upright
    sightings = detector.look(np.asarray(decode(photo.path.read_bytes(), photo.picture)))
    return [seen(one.label, one.score_unit, PixelBox(*one.box_xyxy_px).to_unit(size)) for one in sightings]
