"""Between bytes and values: what is read, what is refused, how answers are written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.cloud.vision_v1.types import image_annotator
from google.protobuf.json_format import ParseError
from google.rpc import status_pb2

from app.emulators.google import messages
from app.emulators.google.asked import AskedImage
from app.emulators.google.errors import Code, ServiceError, bad_image, invalid_key

METHOD = "BatchAnnotateImages"


def images(body: object) -> tuple[AskedImage, ...]:
    return messages.asked_images(messages.request_from_json(METHOD, json.dumps(body).encode()))


@pytest.mark.parametrize("feature", [19, "OBJECT_LOCALIZATION"])
@pytest.mark.parametrize("most", ["maxResults", "max_results"])
def test_enums_are_names_or_numbers_and_names_are_of_either_case(feature: object, most: str) -> None:
    (image,) = images({"requests": [{"image": {"content": "YWJj"}, "features": [{"type": feature, most: 5}]}]})
    assert image == AskedImage(b"abc", "", {"features": [{"type": "OBJECT_LOCALIZATION", "maxResults": 5}]})


@pytest.mark.parametrize(
    ("source", "uri"),
    [
        ({"imageUri": "gs://b/k"}, "gs://b/k"),
        ({"gcsImageUri": "gs://b/old"}, "gs://b/old"),
        ({"imageUri": "gs://b/k", "gcsImageUri": "gs://b/old"}, "gs://b/k"),
    ],
)
def test_an_images_source(source: dict[str, str], uri: str) -> None:
    assert images({"requests": [{"image": {"source": source}}], "parent": "projects/p"}) == (AskedImage(b"", uri, {}),)


@pytest.mark.parametrize("content", ["-_-_", "+/+/", "YWI", "YWI=", "YW\nJj", ""])
def test_base64_of_every_sort_is_read(content: str) -> None:
    assert len(images({"requests": [{"image": {"content": content}}]})) == 1


@pytest.mark.parametrize("body", [b"", b"{}", b'{"requests": null}', b'{"requests": []}'])
def test_nothing_asked_is_no_image(body: bytes) -> None:
    assert messages.asked_images(messages.request_from_json(METHOD, body)) == ()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "It is not JSON"),
        (b"\xff", "It is not JSON"),
        (b"[" * 100_000, "It is not JSON"),
        (b"[]", "not an object"),
        (b"5", "not an object"),
        (b'{"request": []}', 'no field named "request"'),
        (b'{"requests": 5}', "requests"),
        (b'{"requests": [5]}', "requests"),
        (b'{"requests": [{"features": [{"type": "CATS"}]}]}', "Invalid enum value CATS"),
        (b'{"requests": [{"features": [{"maxResults": 1.5}]}]}', "maxResults"),
        (b'{"requests": [{"image": {"content": 5}}]}', "content"),
        (b'{"requests": [{"image": {"content": "data:image/png;base64,AAAA"}}]}', "requests[0].image.content"),
        (b'{"requests": [{}, {"image": {"content": "a=b"}}]}', "requests[1].image.content"),
    ],
)
def test_a_body_that_is_none_of_the_vendors_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(ServiceError) as caught:
        messages.request_from_json(METHOD, body)
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert words in caught.value.message
    assert "\n" not in caught.value.message


def test_a_message_is_read_from_the_wire() -> None:
    request = image_annotator.BatchAnnotateImagesRequest(
        requests=[{"image": {"content": b"abc"}, "features": [{"type_": 4}], "image_context": {"language_hints": ["en"]}}]
    )
    data = image_annotator.BatchAnnotateImagesRequest.serialize(request)
    (image,) = messages.asked_images(messages.request_from_wire(METHOD, data))
    told = {"features": [{"type": "LABEL_DETECTION"}], "imageContext": {"languageHints": ["en"]}}
    assert image == AskedImage(b"abc", "", told)
    with pytest.raises(ServiceError) as caught:
        messages.request_from_wire(METHOD, data[:-1])
    assert caught.value.code is Code.INTERNAL


def answer() -> Any:
    return messages.image_answer(
        {
            "faceAnnotations": [
                {"joyLikelihood": "LIKELY", "boundingPoly": {"vertices": [{"x": 0, "y": 2}, {"x": 0, "y": 0}]}},
            ]
        }
    )


def test_zeros_are_left_out_and_enums_written_as_asked() -> None:
    batch = messages.batch_answer([answer(), messages.image_answer({"error": bad_image().as_status()})])
    named, numbered = (json.loads(messages.as_json(batch, enum_numbers=number, pretty=False)) for number in (False, True))
    polygon = {"vertices": [{"y": 2}, {}]}
    error = {"error": {"code": 3, "message": "Bad image data."}}
    assert named == {"responses": [{"faceAnnotations": [{"boundingPoly": polygon, "joyLikelihood": "LIKELY"}]}, error]}
    assert numbered["responses"][0]["faceAnnotations"][0]["joyLikelihood"] == 4


def test_an_empty_answer_keeps_its_place() -> None:
    batch = messages.batch_answer([messages.image_answer({}), answer()])
    assert messages.as_json(batch, enum_numbers=False, pretty=False).startswith(b'{"responses": [{}, {')
    assert messages.as_json(batch, enum_numbers=False, pretty=True).startswith(b'{\n  "responses"')


def test_an_answer_with_a_strange_member_is_a_mistake_of_ours() -> None:
    with pytest.raises(ParseError):
        messages.image_answer({"faces": []})


def test_a_status_for_grpc_has_the_details() -> None:
    status = status_pb2.Status.FromString(messages.status_wire(invalid_key()))
    assert status.code == 3
    assert status.details[0].type_url == "type.googleapis.com/google.rpc.ErrorInfo"
