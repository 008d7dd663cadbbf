"""Jobs and outcomes as bytes, for Redis. Called by `accumulator.redis` only; `decode_x(encode_x(x)) == x`.

    envelope = MAGIC, 1 byte version, lengths of head and rest and CRC-32 of the head (4 bytes each, big-endian),
               head (JSON), rest (raw bytes)

The rest is the image of a job, or the verbatim body of an outcome, so that no image is ever escaped or copied into text.
Vendor trees keep everything: geometry, and what JSON cannot say exactly (numbers beyond 64 bits, NaN, text that is not
valid Unicode), become objects with one key that begins with `$`; a vendor's own object with such a key is wrapped, so that
nothing can be mistaken. An envelope of another version is refused (`CodecError`). Releases that write different ones do not
meet in the first place (`keys.FORMAT`), so that is damage.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson

from app.accumulator.keys import FORMAT
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
    Shape,
    Task,
    Tree,
)
from app.errors import Kind, VendorError

MAGIC = b"TS"
VERSION = FORMAT
ENVELOPE = struct.Struct(">2sBIII")
# orjson writes and reads integers of 64 bits; anything longer is spelled out.
LONGEST_INT_BITS = 63


class CodecError(ValueError):
    """Bytes that this release cannot read."""


def encode_job(job: Job) -> bytes:
    lane, inquiry, picture = job.lane, job.inquiry, job.picture
    head = {
        "id": job.id,
        "request": job.request_id,
        "lane": [
            _pack(lane.tenant),
            lane.provider,
            lane.task,
            lane.feature,
            _pack(lane.parameters),
            [str(layout) for layout in lane.layouts],
            lane.mode,
            lane.shape,
        ],
        "inquiry": [
            inquiry.feature,
            _pack(inquiry.parameters),
            inquiry.min_score_unit,
            inquiry.max_results,
            inquiry.own_vendor,
            _pack(inquiry.own_request),
            [_pack(category) for category in inquiry.categories],
        ],
        "picture": [picture.format, picture.stored.width_px, picture.stored.height_px, picture.orientation],
        "times": [job.max_wait_s, job.time_left_s],
        "view": None if job.view is None else [int(edge_px) for edge_px in job.view],
    }
    return _envelope(head, job.image)


def decode_job(data: bytes) -> Job:
    head, image = _open(data)
    with _readable():
        return _job(head, image)


def _job(head: Mapping[str, Any], image: bytes) -> Job:
    tenant, provider, task, feature, parameters, layouts, mode, shape = head["lane"]
    asked, asked_parameters, min_score, max_results, own_vendor, own_request, categories = head["inquiry"]
    kind, width, height, orientation = head["picture"]
    max_wait_s, time_left_s = head["times"]
    return Job(
        id=head["id"],
        request_id=head["request"],
        lane=Lane(
            _unpack_text(tenant),
            provider,
            Task(task),
            Feature(feature),
            _unpack_text(parameters),
            tuple(Layout.parse(layout) for layout in layouts),
            GridMode(mode),
            Shape(shape),
        ),
        inquiry=Inquiry(
            Feature(asked),
            _unpack_text(asked_parameters),
            min_score,
            max_results,
            own_vendor,
            _unpack_text(own_request),
            tuple(map(_unpack_text, categories)),
        ),
        picture=Picture(kind, Size(width, height), orientation),
        image=image,
        max_wait_s=max_wait_s,
        time_left_s=time_left_s,
        view=_unpack_view(head["view"]),
    )


def _unpack_view(packed: Any) -> PixelBox | None:
    return None if packed is None else PixelBox(*(float(_unpack_number(edge_px)) for edge_px in packed))


def encode_outcome(outcome: Outcome) -> bytes:
    bill = outcome.bill
    head: dict[str, Any] = {
        "id": outcome.job_id,
        "bill": [
            str(bill.layout),
            bill.inferences,
            bill.sheet_id,
            bill.release,
            bill.waited_s,
            bill.compose_s,
            bill.provider_s,
            bill.attempt_s,
        ],
    }
    result = outcome.result
    if isinstance(result, Failure):
        head["failure"] = _pack_failure(result)
        return _envelope(head, b"")
    head["answer"] = {
        "detections": [_pack_detection(detection) for detection in result.detections],
        "extra": _pack_map(result.extra),
        "verbatim": result.verbatim is not None,
        "vendor": result.verbatim_vendor,
    }
    return _envelope(head, result.verbatim or b"")


def decode_outcome(data: bytes) -> Outcome:
    head, rest = _open(data)
    with _readable():
        return _outcome(head, rest)


def _outcome(head: Mapping[str, Any], rest: bytes) -> Outcome:
    layout, inferences, sheet_id, release, waited_s, compose_s, provider_s, attempt_s = head["bill"]
    bill = Bill(Layout.parse(layout), inferences, sheet_id, Release(release), waited_s, compose_s, provider_s, attempt_s)
    if "failure" in head:
        return Outcome(head["id"], _unpack_failure(head["failure"]), bill)
    answer = head["answer"]
    detections = tuple(_unpack_detection(packed) for packed in answer["detections"])
    verbatim = rest if answer["verbatim"] else None
    return Outcome(head["id"], Answer(detections, verbatim, answer["vendor"], _unpack_map(answer["extra"])), bill)


@contextmanager
def _readable() -> Iterator[None]:
    """A head that is not what this release writes fails in one way, wherever that shows."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise CodecError(f"the envelope's head cannot be read: {error!r}") from error


def _envelope(head: Mapping[str, Any], rest: bytes) -> bytes:
    text = orjson.dumps(head)
    return b"".join((ENVELOPE.pack(MAGIC, VERSION, len(text), len(rest), zlib.crc32(text)), text, rest))


def _open(data: bytes) -> tuple[dict[str, Any], bytes]:
    if len(data) < ENVELOPE.size:
        raise CodecError("too short to be an envelope")
    magic, version, length, rest, checksum = ENVELOPE.unpack_from(data)
    if magic != MAGIC or version != VERSION:
        raise CodecError(f"not an envelope of version {VERSION}")
    end = ENVELOPE.size + length
    text = memoryview(data)[ENVELOPE.size : end]
    if len(data) != end + rest or zlib.crc32(text) != checksum:
        raise CodecError("the envelope is damaged")
    try:
        head: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CodecError("the envelope's head is not JSON") from error
    return head, data[end:]


def _pack_failure(failure: Failure) -> list[Any]:
    vendor = failure.vendor
    said = None if vendor is None else [vendor.vendor, vendor.status, *map(_pack, (vendor.code, vendor.message, vendor.body))]
    return [failure.kind.value, _pack(failure.detail), said, failure.retry_after_s]


def _unpack_failure(packed: list[Any]) -> Failure:
    kind, detail, said, retry_after_s = packed
    vendor = None if said is None else VendorError(said[0], said[1], *map(_unpack_text, said[2:]))
    return Failure(_kind(kind), _unpack_text(detail), vendor, retry_after_s)


def _kind(value: str) -> Kind:
    found = next((kind for kind in Kind if kind.value == value), None)
    if found is None:
        raise CodecError(f"unknown kind of failure: {value}")
    return found


def _pack_detection(found: Detection) -> list[Any]:
    return [found.feature, _pack(found.label), found.score_unit, _pack(found.box), found.vendor, _pack_map(found.fields)]


def _unpack_detection(packed: list[Any]) -> Detection:
    feature, label, score, box, vendor, fields = packed
    unpacked = _unpack(box)
    if not (unpacked is None or isinstance(unpacked, UnitBox)):
        raise CodecError("a box was expected")
    return Detection(Feature(feature), _unpack_text(label), score, unpacked, vendor, _unpack_map(fields))


def _pack_map(tree: Mapping[str, Tree]) -> Any:
    return _pack(dict(tree))


def _unpack_map(packed: Any) -> dict[str, Tree]:
    tree = _unpack(packed)
    if not isinstance(tree, dict):
        raise CodecError("a map was expected")
    return tree


def _unpack_text(packed: Any) -> str:
    text = _unpack(packed)
    if not isinstance(text, str):
        raise CodecError("a text was expected")
    return text


def _unpack_number(packed: Any) -> float:
    number = _unpack(packed)
    if not isinstance(number, int | float):
        raise CodecError("a number was expected")
    return number


def _pack(value: Tree) -> Any:
    """A tree as plain JSON values. What plain JSON cannot say becomes `{"$<kind>": ...}`."""
    match value:
        case str():
            return value if _is_unicode(value) else {"$text": value.encode("utf-8", "surrogatepass").hex()}
        case None | bool():
            return value
        case int():
            return value if value.bit_length() <= LONGEST_INT_BITS else {"$int": str(value)}
        case float():
            return value if math.isfinite(value) else {"$float": repr(value)}
        case UnitBox():
            return {"$box": [_pack(edge) for edge in (value.left, value.top, value.right, value.bottom)]}
        case UnitPoint():
            return {"$point": [_pack(value.x), _pack(value.y)]}
        case UnitLength():
            return {"$length": _pack(value.x)}
        case list():
            return [_pack(item) for item in value]
        case dict():
            return _pack_object(value)
        case _:
            raise TypeError(f"a tree holds no {type(value).__name__}")


def _pack_object(value: dict[str, Tree]) -> Any:
    if any(key.startswith("$") or not _is_unicode(key) for key in value):
        return {"$object": [[_pack(key), _pack(item)] for key, item in value.items()]}
    return {key: _pack(item) for key, item in value.items()}


def _unpack(value: Any) -> Tree:
    if isinstance(value, list):
        return [_unpack(item) for item in value]
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]  # a scalar of JSON
    if len(value) == 1:
        (key,) = value
        if key.startswith("$"):
            return _unpack_tagged(key, value[key])
    return {key: _unpack(item) for key, item in value.items()}


def _unpack_tagged(tag: str, content: Any) -> Tree:
    match tag:
        case "$box":
            return UnitBox(*map(_unpack_number, content))
        case "$point":
            return UnitPoint(*map(_unpack_number, content))
        case "$length":
            return UnitLength(_unpack_number(content))
        case "$int":
            return int(content)
        case "$float":
            return float(content)
        case "$text":
            return bytes.fromhex(content).decode("utf-8", "surrogatepass")
        case "$object":
            return {_unpack_text(key): _unpack(item) for key, item in content}
    raise CodecError(f"unknown tag {tag}")


def _is_unicode(text: str) -> bool:
    """Whether the text can be written as UTF-8: JSON's escapes can also spell half of a pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
