"""Jobs and outcomes survive the way through bytes, whatever a vendor or a client put into them."""

from __future__ import annotations

import dataclasses
import math
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accumulator.codec import ENVELOPE, MAGIC, VERSION, CodecError, decode_job, decode_outcome, encode_job, encode_outcome
from app.core.geometry import PixelBox, Size, UnitBox, UnitLength, UnitPoint
from app.core.model import (
    Answer,
    Bill,
    Detection,
    Failure,
    Feature,
    GridMode,
    Inquiry,
    Job,
    Lane,
    Layout,
    Outcome,
    Picture,
    Release,
    Task,
    Tree,
)
from app.errors import Kind, VendorError
from tests.support.grids import views
from tests.support.jobs import job, outcome

# Text of every kind, with what JSON's escapes can spell and UTF-8 cannot, and with the tags' own first letter.
texts = st.text(max_size=20) | st.text(st.characters(categories=["Cs", "Lu"]), max_size=4) | st.just("$box")
numbers = st.floats(allow_nan=False)
ratios = st.floats(0, 1)
durations_s = st.floats(0, 1e6)
points = st.builds(UnitPoint, numbers, numbers)


@st.composite
def boxes(draw: st.DrawFn) -> UnitBox:
    left, right = sorted((draw(numbers), draw(numbers)))
    top, bottom = sorted((draw(numbers), draw(numbers)))
    return UnitBox(left, top, right, bottom)


scalars = st.none() | st.booleans() | st.integers() | numbers | texts | boxes() | points | st.builds(UnitLength, numbers)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=20
)
objects = st.dictionaries(texts, trees, max_size=5)
detections = st.builds(
    Detection, st.sampled_from(Feature), texts, ratios, st.none() | boxes(), st.sampled_from(["", "rekognition"]), objects
)
layouts = st.builds(Layout, st.integers(1, 5), st.integers(1, 5))
answers = st.builds(
    Answer, st.lists(detections, max_size=4).map(tuple), st.none() | st.binary(max_size=50), st.just("rekognition"), objects
)
vendor_errors = st.builds(VendorError, st.just("rekognition"), st.integers(400, 599), texts, texts, texts)
failures = st.builds(Failure, st.sampled_from(Kind), texts, st.none() | vendor_errors, st.none() | durations_s)
bills = st.builds(Bill, layouts, durations_s, st.just("sheet"), st.sampled_from(Release), durations_s, durations_s, durations_s)
lanes = st.builds(
    Lane,
    texts,
    st.just("emulator"),
    st.sampled_from(Task),
    st.sampled_from(Feature),
    texts,
    st.lists(layouts, min_size=1).map(tuple),
    st.sampled_from(GridMode),
)
inquiries = st.builds(
    Inquiry,
    st.sampled_from(Feature),
    texts,
    st.none() | ratios,
    st.none() | st.integers(0, 99),
    st.just("rekognition"),
    texts,
    st.lists(texts, max_size=3).map(tuple),
)
pictures = st.builds(
    Picture, st.sampled_from(["jpeg", "png", "webp"]), st.builds(Size, st.integers(1, 9), st.integers(1, 9)), st.integers(1, 8)
)
jobs = st.builds(
    Job, st.uuids().map(str), st.uuids().map(str), lanes, inquiries, pictures, st.binary(max_size=200), durations_s, durations_s
)


viewed_jobs = jobs.flatmap(lambda one: views(one.picture.upright).map(lambda view: dataclasses.replace(one, view=view)))


@given(jobs | viewed_jobs)
def test_a_job_survives(one: Job) -> None:
    assert decode_job(encode_job(one)) == one


@given(st.builds(Outcome, st.uuids().map(str), answers | failures, bills))
def test_an_outcome_survives(one: Outcome) -> None:
    assert decode_outcome(encode_outcome(one)) == one


def test_the_image_travels_as_it_is() -> None:
    image = bytes(range(256)) * 1000
    assert encode_job(job(image=image)).endswith(image)


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"$box": [0, 0, 1, 1]},
        {"$box": {"$box": 1}},
        {"$object": []},
        {"": {"$": None}},
        {"BoundingBox": UnitBox(0.1, 0.2, 0.3, 0.4), "Points": [UnitPoint(-0.5, 1.5)]},
        {"long": 2**63, "longer": -(2**200), "edge": 2**63 - 1, "infinite": math.inf, "half a pair": "\ud800"},
        {"\udfff": 1},
    ],
)
def test_nothing_in_a_vendors_answer_is_mistaken_for_ours(tree: dict[str, Tree]) -> None:
    found = Detection(Feature.OBJECTS, "thing", 0.5, None, "rekognition", tree)
    sent = Outcome("a", Answer((found,), extra=tree))
    assert decode_outcome(encode_outcome(sent)) == sent


def test_types_of_numbers_are_kept() -> None:
    """1.0 is not 1 and True is not 1 in a vendor's JSON."""
    sent = Outcome("a", Answer((), extra={"numbers": [1, 1.0, True, -0.0]}))
    result = decode_outcome(encode_outcome(sent)).result
    assert isinstance(result, Answer)
    assert repr(result.extra) == "{'numbers': [1, 1.0, True, -0.0]}"


def test_not_a_number_survives() -> None:
    sent = Outcome("a", Answer((), extra={"score": math.nan}))
    result = decode_outcome(encode_outcome(sent)).result
    assert isinstance(result, Answer)
    assert repr(result.extra["score"]) == "nan"


def test_no_verbatim_body_and_an_empty_one_are_different() -> None:
    empty, none = (Outcome("a", Answer((), verbatim=verbatim)) for verbatim in (b"", None))
    assert decode_outcome(encode_outcome(empty)) == empty
    assert decode_outcome(encode_outcome(none)) == none


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_failure_has_a_way_back(kind: Kind) -> None:
    sent = Outcome("a", Failure(kind, "why"))
    assert decode_outcome(encode_outcome(sent)) == sent


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"TS",
        b"XX" + encode_outcome(outcome("a"))[2:],
        b"TS\x01" + encode_outcome(outcome("a"))[3:],
        b"TS\x03" + encode_job(job())[3:],
        ENVELOPE.pack(MAGIC, VERSION, 5, 0, zlib.crc32(b"{no}}")) + b"{no}}",
        encode_outcome(outcome("a")) + b"more",
        encode_outcome(outcome("a")).replace(b"thing", b"thong"),
        encode_job(job(image=bytes(100)))[:-1],
        encode_outcome(outcome("a"))[:20],
    ],
)
def test_what_this_release_cannot_read_is_refused(data: bytes) -> None:
    with pytest.raises(CodecError):
        decode_outcome(data)
    with pytest.raises(CodecError):
        decode_job(data)


def misspelt(whole: bytes, written: bytes, damaged: bytes) -> bytes:
    """An envelope whose head says something else, as a mistake of ours would write it: its checksum fits."""
    _, _, length, rest, _ = ENVELOPE.unpack_from(whole)
    head = whole[ENVELOPE.size : ENVELOPE.size + length].replace(written, damaged)
    return ENVELOPE.pack(MAGIC, VERSION, len(head), rest, zlib.crc32(head)) + head + whole[ENVELOPE.size + length :]


@pytest.mark.parametrize(
    ("written", "damaged"),
    [
        (b'{"x":1}', b'{"$none": 1}'),
        (b'{"x":1}', b'{"$object": [[1, 2]]}'),
        (b'{"x":1}', b"[1]"),
        (b'{"x":1}', b'{"box": {"$box": ["a", "b", "c", "d"]}}'),
        (b'{"$box":[0.1,0.2,0.3,0.4]}', b'"not a box"'),
        (b'{"$box":[0.1,0.2,0.3,0.4]}', b'{"$box": [1, 1, 0, 0]}'),
        (b'"objects"', b'"smells"'),
        (b'"bill"', b'"invoice"'),
        (b'"1x1"', b"null"),
    ],
)
def test_a_damaged_outcome_is_refused(written: bytes, damaged: bytes) -> None:
    found = Detection(Feature.OBJECTS, "thing", 0.5, UnitBox(0.1, 0.2, 0.3, 0.4))
    whole = encode_outcome(Outcome("a", Answer((found,), extra={"x": 1})))
    assert written in whole
    with pytest.raises(CodecError, match="head"):
        decode_outcome(misspelt(whole, written, damaged))


@pytest.mark.parametrize(
    ("written", "damaged"),
    [
        (b'"view":[0,0,1,1]', b'"view":[0,0,1,0]'),
        (b'"view":[0,0,1,1]', b'"view":[0,9e9,1]'),
        (b'"view":[0,0,1,1]', b'"view":[0,0,1,{"$int":"' + 400 * b"9" + b'"}]'),
        (b'"view":[0,0,1,1]', b'"view":"all_it"'),
        (b'"view":[0,0,1,1]', b'"views":[0,0,1]'),
        (b'"kept"', b'"bent"'),
    ],
)
def test_a_damaged_job_is_refused(written: bytes, damaged: bytes) -> None:
    whole = encode_job(dataclasses.replace(job(), view=PixelBox(0, 0, 1, 1)))
    assert written in whole
    with pytest.raises(CodecError, match="head"):
        decode_job(misspelt(whole, written, damaged))


def test_an_unknown_kind_of_failure_is_refused() -> None:
    whole = encode_outcome(Outcome("a", Failure(Kind.INTERNAL, "why")))
    with pytest.raises(CodecError):
        decode_outcome(misspelt(whole, b"internal", b"eternal_"))


def test_a_tree_of_something_else_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        encode_outcome(Outcome("a", Answer((), extra={"pair": (1, 2)})))  # type: ignore[dict-item]  # that is the point


def test_every_field_of_job_and_outcome_is_covered() -> None:
    """A field that is added to the model must be added to the codec: this list is what was thought of."""
    known = {
        Job: "id request_id lane inquiry picture image max_wait_s time_left_s view",
        Lane: "tenant provider task feature parameters layouts mode shape",
        Inquiry: "feature parameters min_score_unit max_results own_vendor own_request categories",
        Picture: "format stored orientation",
        Outcome: "job_id result bill",
        Answer: "detections verbatim verbatim_vendor extra",
        Failure: "kind detail vendor retry_after_s",
        VendorError: "vendor status code message body",
        Bill: "layout inferences sheet_id release waited_s compose_s provider_s attempt_s",
        Detection: "feature label score_unit box vendor fields",
    }
    for type_, names in known.items():
        assert [field.name for field in dataclasses.fields(type_)] == names.split()
