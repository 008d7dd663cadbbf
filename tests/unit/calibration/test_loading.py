"""Data sets of every kind, and what is done about what is wrong in them: named, skipped, counted, and the run goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.calibration.dataset import Dataset, DatasetError, Truth
from app.calibration.loading import Terms, load
from app.core.geometry import Size, UnitBox
from tests.support import bad_images
from tests.support.datasets import SIZE, coco, coco_row, image, voc, voc_annotation, voc_object
from tests.support.eval_data import FOLDER, needs_eval_data


def ids(dataset: Dataset) -> list[str]:
    return [photo.id for photo in dataset.photos]


def truths(dataset: Dataset) -> list[Truth]:
    return [truth for photo in dataset.photos for truth in photo.truths]


# --- The three kinds


def test_voc_pixels_count_from_1_and_both_ends_are_inside(tmp_path: Path) -> None:
    objects = [voc_object("cat", (1, 1, 200, 100)), voc_object("sofa", (21, 11, 40, 20), difficult=1)]
    dataset = load(f"voc:{voc(tmp_path, {'a': voc_annotation('a', objects)})}")
    assert truths(dataset) == [Truth("cat", UnitBox(0, 0, 1, 1)), Truth("sofa", UnitBox(0.1, 0.1, 0.2, 0.2), True)]
    assert (dataset.has_truth, dataset.skipped, dataset.photos[0].picture.stored) == (True, {}, SIZE)


def test_vocs_lists_say_what_belongs_to_the_set(tmp_path: Path) -> None:
    """Lists by class have a second column; an image in no list is no part of the set."""
    root = voc(tmp_path, {name: voc_annotation(name) for name in "abcd"})
    lists = root / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("a\nb\n\n")
    (lists / "cat_train.txt").write_text("b -1\nc  1\n")
    assert ids(load(f"voc:{root}")) == ["a", "b", "c"]


def test_vocs_file_name_is_the_annotations_or_else_the_ids(tmp_path: Path) -> None:
    said = voc_annotation("other")
    root = voc(tmp_path, {"a": said, "b": said, "c": "<annotation/>"}, {"other.jpg": image(), "c.PNG": image(kind="png")})
    assert [photo.path.name for photo in load(f"voc:{root}").photos] == ["other.jpg", "other.jpg", "c.PNG"]


def test_coco_boxes_are_left_top_width_height_and_crowds_are_difficult(tmp_path: Path) -> None:
    images = [{"id": 7, "file_name": "a.jpg", "width": 200, "height": 100}, {"id": "x", "file_name": "b.jpg"}]
    rows = [coco_row(7, [20, 10, 20, 10], 2), coco_row("x", [0.5, 0, 100, 50], iscrowd=1)]
    dataset = load(coco(tmp_path, images, rows, ["a.jpg", "b.jpg"]))
    assert ids(dataset) == ["a.jpg", "b.jpg"]
    assert truths(dataset) == [
        Truth("cell phone", UnitBox(0.1, 0.1, 0.2, 0.2)),
        Truth("cat", UnitBox(0.0025, 0, 0.5025, 0.5), True),
    ]


def test_a_folder_has_photographs_at_any_depth_and_no_truth(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.PNG", "a.jpeg", "deep/c.webp", "notes.txt"):
        kind = {"b.PNG": "png", "deep/c.webp": "webp"}.get(name, "jpeg")
        (tmp_path / name).write_bytes(image(kind=kind))
    dataset = load(f"folder:{tmp_path}")
    assert ids(dataset) == ["a.jpeg", "b.PNG", "deep/c.webp"]
    assert (dataset.has_truth, dataset.objects, dataset.without_objects, dataset.skipped) == (False, 0, 0, {})


# --- What is wrong in one place is told, and the rest is used


def test_each_broken_photograph_is_named_and_the_others_are_used(tmp_path: Path) -> None:
    good = {name: voc_annotation(name) for name in ("cut", "empty", "gif", "good", "gone", "other")}
    good["other"] = voc_annotation("other", size=Size(300, 300))
    files = {f"{name}.jpg": image() for name in ("broken", "good", "other", "unknown", "zero")}
    files |= {"cut.jpg": bad_images.cut("jpeg"), "empty.jpg": b"", "gif.jpg": bad_images.plain_file("GIF")}
    root = voc(tmp_path, {**good, "broken": "<annotation><object>", "zero": ""}, files)
    dataset = load(f"voc:{root}")
    assert ids(dataset) == ["good"]
    assert {reason: [name.partition(" ")[0] for name in names] for reason, names in dataset.skipped.items()} == {
        "annotated at another size than the image has": ["other"],
        "annotation cannot be read": ["broken", "zero"],
        "annotation is missing": ["unknown"],
        "image cannot be read": ["cut", "empty", "gif"],
        "image is missing": ["gone"],
    }
    assert "other (300x300 instead of 200x100)" in dataset.skipped["annotated at another size than the image has"]


def test_boxes_outside_the_picture_are_clipped_or_dropped_and_told(tmp_path: Path) -> None:
    objects = [
        voc_object("cat", (101, 51, 400, 100)),
        voc_object("dog", (300, 51, 400, 100)),
        voc_object("cow", (0, 1, 201, 101)),  # over the edge by one pixel: rounding
        voc_object("bird", (10, 10, 5, 5)),
        voc_object("sheep", ("", 1, 5, 5)),
        voc_object("horse", ("nan", 1, 5, 5)),
        voc_object("", (1, 1, 5, 5)),
    ]
    dataset = load(f"voc:{voc(tmp_path, {'a': voc_annotation('a', objects)})}")
    assert truths(dataset) == [Truth("cat", UnitBox(0.5, 0.5, 1, 1)), Truth("cow", UnitBox(0, 0, 1, 1))]
    assert dataset.skipped == {
        "box cannot be read": ("a (bird)", "a (horse)", "a (sheep)"),
        "box lies outside the image": ("a (dog at 299, 50, 400, 100)",),
        "box reached over the image's edge and was clipped": ("a (cat at 100, 50, 400, 100)",),
        "object of an unknown class": ("a (without a name)",),
    }


def test_classes_that_the_provider_cannot_answer_are_left_out_where_they_are_known(tmp_path: Path) -> None:
    objects = [voc_object("tvmonitor", (1, 1, 50, 50)), voc_object("unicorn", (1, 1, 50, 50))]
    source = f"voc:{voc(tmp_path, {'a': voc_annotation('a', objects)})}"
    known = load(source, Terms(classes=["TV", "Cat"]))
    assert [truth.label for truth in truths(known)] == ["tvmonitor"]
    assert known.skipped == {"object of an unknown class": ("a (unicorn)",)}
    assert [truth.label for truth in truths(load(source))] == ["tvmonitor", "unicorn"]


def test_an_image_without_objects_is_kept_and_counted(tmp_path: Path) -> None:
    annotations = {"a": voc_annotation("a"), "b": voc_annotation("b", [voc_object("cat", (1, 1, 50, 50))])}
    dataset = load(f"voc:{voc(tmp_path, annotations)}")
    assert (ids(dataset), dataset.without_objects, dataset.objects, dataset.skipped) == (["a", "b"], 1, 1, {})


def test_whatever_is_wrong_in_cocos_rows_is_told(tmp_path: Path) -> None:
    images = [
        {"id": 1, "file_name": "a.jpg", "width": "wide", "height": None},
        {"id": 2, "file_name": "a.jpg"},
        {"id": 3, "file_name": "gone.jpg"},
        {"id": 4},
        {"file_name": "b.jpg"},
        "no row",
    ]
    rows = [
        coco_row(1, [0, 0, 100, 50]),
        coco_row(1, [0, 0, 10]),
        coco_row(1, [0, 0, -10, 5]),
        coco_row(1, [0, 0, None, 5]),
        coco_row(1, "box"),
        coco_row(1, [0, 0, float("nan"), 5]),
        coco_row(1, [0, 0, 10, 10], 99),
        coco_row(1, [0, 0, 10, 10], [1]),
        coco_row(9, [0, 0, 10, 10], id=77),
        coco_row([1], [0, 0, 10, 10], id=78),
        {"image_id": 1},
        None,
    ]
    dataset = load(coco(tmp_path, images, rows, ["a.jpg"]))
    assert truths(dataset) == [Truth("cat", UnitBox(0, 0, 0.5, 0.5))]
    assert dataset.skipped == {
        "annotation cannot be read": ("an image without a file name (id 4)", "an image without an id (b.jpg)"),
        "annotation of an image that is not listed": ("annotation 77", "annotation 78"),
        "box cannot be read": ("a.jpg (cat)",) * 5,
        "image is listed twice": ("a.jpg",),
        "image is missing": ("gone.jpg",),
        "object of an unknown class": ("a.jpg (category 99)", "a.jpg (category None)", "a.jpg (category [1])"),
    }


def test_pixels_and_formats_are_limited_like_the_proxys(tmp_path: Path) -> None:
    for name, data in {"a.jpg": image(), "b.png": image(kind="png"), "c.jpg": image(Size(300, 300))}.items():
        (tmp_path / name).write_bytes(data)
    dataset = load(f"folder:{tmp_path}", Terms(formats=frozenset({"jpeg"}), max_pixels=50_000))
    assert ids(dataset) == ["a.jpg"]
    [names] = dataset.skipped.values()
    assert [name.partition(" ")[0] for name in names] == ["b.png", "c.jpg"]


def test_a_file_that_cannot_be_read_stops_nothing(tmp_path: Path) -> None:
    """A link to nowhere, and a file that is there and gives an error when it is read."""
    (tmp_path / "a.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "b.jpg").symlink_to("/proc/self/mem")
    (tmp_path / "c.jpg").write_bytes(image())
    dataset = load(f"folder:{tmp_path}")
    assert ids(dataset) == ["c.jpg"]
    assert dataset.skipped["image is missing"][0] == "a.jpg"
    assert "b.jpg" in str(dataset.skipped)


# --- What cannot be used at all


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "is not a data set"),
        ("photos", "give voc:DIR, coco:annotations.json:images/ or folder:DIR"),
        ("voc:", "is not a data set"),
        ("yolo:{0}", "is not a data set"),
        ("coco:{0}/instances.json", "is not a data set"),
        ("voc:{0}/nowhere", "no folder JPEGImages"),
        ("voc:{0}/halfvoc", "no folder Annotations"),
        ("voc:{0}/emptyvoc", "no image of .* can be used .there is none."),
        ("voc:{0}/badvoc", "image is missing: 2, first a"),
        ("folder:{0}/nowhere", "there is no folder"),
        ("folder:{0}/emptyvoc", "there is none"),
        ("coco:{0}/nothing.json:{0}", "cannot be read: No such file"),
        ("coco:{0}/bad.json:{0}", "is not JSON"),
        ("coco:{0}/list.json:{0}", "no list of images and none of annotations and none of categories"),
        ("coco:{0}/half.json:{0}", "no list of annotations"),
        ("coco:{0}/half.json:{0}/nowhere", "there is no folder"),
    ],
)
def test_a_data_set_that_cannot_be_used_is_one_clear_error(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "halfvoc" / "JPEGImages").mkdir(parents=True)
    voc(tmp_path / "emptyvoc", {})
    voc(tmp_path / "badvoc", {name: voc_annotation(name) for name in "ab"}, {})
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "half.json").write_text(json.dumps({"images": [], "annotations": {}, "categories": []}))
    with pytest.raises(DatasetError, match=said):
        load(source.format(tmp_path))


# --- Samples


def test_a_sample_is_the_same_for_the_same_seed_and_holds_only_what_can_be_used(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number:02}.jpg").write_bytes(image() if number % 4 else b"broken")
    source = f"folder:{tmp_path}"
    sample = load(source, Terms(limit=10, seed=3))
    assert len(sample.photos) == 10
    assert ids(sample) == sorted(ids(sample))
    assert load(source, Terms(limit=10, seed=3)) == sample
    assert load(source, Terms(limit=10, seed=4)) != sample
    assert set(ids(sample)) < set(ids(load(source, Terms(limit=15, seed=3))))
    assert len(load(source, Terms(limit=1000)).photos) == 30


def test_one_more_file_changes_at_most_one_place_of_a_sample(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}.jpg").write_bytes(image())
    before = load(f"folder:{tmp_path}", Terms(limit=10))
    (tmp_path / "new.jpg").write_bytes(image())
    after = load(f"folder:{tmp_path}", Terms(limit=10))
    assert len(set(ids(before)) & set(ids(after))) >= 9


# --- The real thing


@needs_eval_data
@pytest.mark.parametrize(("pool", "photos"), [("voc2012", 340), ("coco2017", 164)])
def test_the_photographs_for_measuring_load_whole(pool: str, photos: int) -> None:
    dataset = load(f"voc:{FOLDER}/{pool}")
    assert (len(dataset.photos), dataset.skipped) == (photos, {})


@needs_eval_data
def test_coco_says_the_same_in_both_of_its_forms() -> None:
    assert FOLDER is not None
    folder = FOLDER / "coco2017"
    own = load(f"coco:{folder}/instances.json:{folder}/JPEGImages")
    as_voc = load(f"voc:{folder}")
    assert [photo.path.name for photo in own.photos] == [photo.path.name for photo in as_voc.photos]
    for one, other in zip(own.photos, as_voc.photos, strict=True):
        assert len(one.truths) == len(other.truths)
