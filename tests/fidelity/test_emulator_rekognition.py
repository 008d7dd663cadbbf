"""The emulated Rekognition as real clients see it: boto3 and the aws command line, over HTTP, with a process of its own.

Every answer is checked against AWS's own service model as botocore ships it; what boto3 makes of errors, stalls and broken
answers is what it would make of AWS's.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from PIL import Image

from tests.support import cartoons
from tests.support.aws_model import service_model
from tests.support.emulated import AUTHORIZATION
from tests.support.emulator import ACCESS_KEY, SECRET_KEY, RunningEmulator, running_emulator
from tests.support.eval_data import models, needs_eval_data, photographs
from tests.support.marker_scenes import Placed, busy, plain, reread, stored

MARKERS = (Placed(8, 60, 40, 120), Placed(17, 300, 200, 200), Placed(951, 80, 300, 90))
SCENE = stored(busy(640, 480, *MARKERS))
FACE = stored(cartoons.face(240, (640, 480), (200, 60)))
BLANK = stored(plain(200, 150))
DETECTOR = "arn:aws:rekognition:us-east-1:123456789012:project/parts/version/parts.1/1700000000000"
CLASSIFIER = DETECTOR.replace("/parts/", "/classifier/")
COMMAND_S = 60.0


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    buckets = tmp_path_factory.mktemp("buckets")
    (buckets / "photos" / "2026").mkdir(parents=True)
    (buckets / "photos" / "2026" / "a scene.jpg").write_bytes(SCENE)
    with running_emulator("--buckets", str(buckets)) as running:
        yield running


@pytest.fixture
def emulator(process: RunningEmulator) -> RunningEmulator:
    """The module's emulator as if it had just been started."""
    process.reset()
    return process


def box_px(box: dict[str, float], width_px: int = 640, height_px: int = 480) -> tuple[float, ...]:
    left, top = box["Left"] * width_px, box["Top"] * height_px
    return (left, top, left + box["Width"] * width_px, top + box["Height"] * height_px)


def unknown_members(operation: str, answer: dict[str, Any]) -> list[str]:
    """Members that boto3 left out of its result are not seen here; those it passed on must be of the model."""
    members = service_model().operation_model(operation).output_shape.members
    return [name for name in answer if name not in members and name != "ResponseMetadata"]


def test_detect_labels(emulator: RunningEmulator) -> None:
    answer = emulator.client().detect_labels(Image={"Bytes": SCENE})
    labels = {label["Name"]: label for label in answer["Labels"]}
    for marker in MARKERS:
        (instance,) = labels[marker.label]["Instances"]
        assert box_px(instance["BoundingBox"]) == pytest.approx(marker.box, abs=0.5)
    assert [parent["Name"] for parent in labels["Dog-0017"]["Parents"]] == ["Dog", "Canine", "Pet", "Mammal", "Animal"]
    assert labels["Mammal"]["Instances"] == []
    assert answer["LabelModelVersion"] == "3.0"
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36
    assert emulator.counters()["inferences"] == {"DetectLabels": 1}


def test_every_parameter_of_detect_labels(emulator: RunningEmulator) -> None:
    answer = emulator.client().detect_labels(
        Image={"Bytes": SCENE},
        MaxLabels=2,
        MinConfidence=60.0,
        Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"],
        Settings={
            "GeneralLabels": {"LabelCategoryInclusionFilters": ["Animals and Pets"], "LabelExclusionFilters": ["Animal"]},
            "ImageProperties": {"MaxDominantColors": 3},
        },
    )
    assert len(answer["Labels"]) == 2
    assert len(answer["ImageProperties"]["DominantColors"]) == 3
    assert unknown_members("DetectLabels", answer) == []


def test_detect_faces(emulator: RunningEmulator) -> None:
    client = emulator.client()
    (face,) = client.detect_faces(Image={"Bytes": FACE})["FaceDetails"]
    left, top, right, bottom = box_px(face["BoundingBox"])
    assert abs((left + right) / 2 - 320) < 24
    assert abs((top + bottom) / 2 - 190) < 40
    whole = client.detect_faces(Image={"Bytes": SCENE}, Attributes=["ALL"])["FaceDetails"]
    assert [len(detail["Landmarks"]) for detail in whole] == [30, 30, 30]
    assert set(whole[0]) == set(service_model().shape_for("FaceDetail").members)


def test_recognize_celebrities(emulator: RunningEmulator) -> None:
    client = emulator.client()
    known = client.recognize_celebrities(Image={"Bytes": SCENE})
    assert {one["Name"] for one in known["CelebrityFaces"]} == {marker.label for marker in MARKERS}
    unknown = client.recognize_celebrities(Image={"Bytes": FACE})
    assert (len(unknown["CelebrityFaces"]), len(unknown["UnrecognizedFaces"])) == (0, 1)


def test_detect_protective_equipment(emulator: RunningEmulator) -> None:
    answer = emulator.client().detect_protective_equipment(
        Image={"Bytes": SCENE}, SummarizationAttributes={"MinConfidence": 50, "RequiredEquipmentTypes": ["FACE_COVER"]}
    )
    assert [person["Id"] for person in answer["Persons"]] == [0, 1, 2]
    # By size: 17 and 951 have the lowest bit, 8 has not.
    assert answer["Summary"] == {
        "PersonsWithRequiredEquipment": [0, 2],
        "PersonsWithoutRequiredEquipment": [1],
        "PersonsIndeterminate": [],
    }


def test_detect_custom_labels(emulator: RunningEmulator) -> None:
    client = emulator.client()
    with_boxes = client.detect_custom_labels(ProjectVersionArn=DETECTOR, Image={"Bytes": SCENE})["CustomLabels"]
    assert {label["Name"]: box_px(label["Geometry"]["BoundingBox"]) for label in with_boxes} == {
        marker.label: pytest.approx(marker.box, abs=0.5) for marker in MARKERS
    }
    without = client.detect_custom_labels(ProjectVersionArn=CLASSIFIER, Image={"Bytes": SCENE})["CustomLabels"]
    assert {label["Name"] for label in without} == {"Car", "Dog", "Cup"}
    assert all("Geometry" not in label for label in without)


def test_text_moderation_and_comparison(emulator: RunningEmulator) -> None:
    client = emulator.client()
    text = client.detect_text(Image={"Bytes": SCENE})["TextDetections"]
    assert {one["DetectedText"] for one in text} == {"0008", "0017", "0951"}
    unsafe = client.detect_moderation_labels(Image={"Bytes": SCENE})["ModerationLabels"]
    assert [one["Name"] for one in unsafe] == ["Gambling"]
    assert client.detect_moderation_labels(Image={"Bytes": BLANK})["ModerationLabels"] == []
    match = client.compare_faces(SourceImage={"Bytes": FACE}, TargetImage={"Bytes": FACE})
    assert len(match["FaceMatches"]) == 1


def test_collections(emulator: RunningEmulator) -> None:
    client = emulator.client()
    client.create_collection(CollectionId="made-by-a-test")
    assert client.list_collections()["CollectionIds"] == ["made-by-a-test", "people"]
    assert client.describe_collection(CollectionId="made-by-a-test")["CreationTimestamp"].year == 2023
    client.delete_collection(CollectionId="made-by-a-test")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_collection(CollectionId="made-by-a-test")
    assert client.describe_projects()["ProjectDescriptions"] == []
    assert emulator.paid() == 0


def test_stored_images(emulator: RunningEmulator) -> None:
    client, stored_scene = emulator.client(), {"S3Object": {"Bucket": "photos", "Name": "2026/a scene.jpg"}}
    answer = client.detect_labels(Image=stored_scene)
    assert MARKERS[0].label in {label["Name"] for label in answer["Labels"]}
    with pytest.raises(client.exceptions.InvalidS3ObjectException):
        client.detect_labels(Image={"S3Object": {"Bucket": "photos", "Name": "absent.jpg"}})


def test_the_buckets_are_readable_with_an_s3_client(emulator: RunningEmulator) -> None:
    s3 = emulator.client("s3")
    found = s3.get_object(Bucket="photos", Key="2026/a scene.jpg")
    assert found["Body"].read() == SCENE
    assert s3.head_object(Bucket="photos", Key="2026/a scene.jpg")["ContentLength"] == len(SCENE)
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="photos", Key="absent")
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket="absent", Key="x")


def large_jpeg(data: bytes, length: int) -> bytes:
    """The same image with so many bytes behind it."""
    return data + bytes(length - len(data))


@pytest.mark.parametrize(
    ("image", "exception"),
    [
        ({"Bytes": b"no image"}, "InvalidImageFormatException"),
        ({"Bytes": SCENE[: len(SCENE) // 2]}, "InvalidImageFormatException"),
        ({"Bytes": stored(plain(200, 200), "WEBP")}, "InvalidImageFormatException"),
        ({"Bytes": base64.b64encode(SCENE).decode()}, "InvalidImageFormatException"),
        ({"Bytes": large_jpeg(SCENE, 5_242_881)}, "ImageTooLargeException"),
        ({"Bytes": stored(plain(79, 200))}, "InvalidParameterException"),
        ({"Bytes": b""}, "InvalidParameterException"),
        ({}, "InvalidParameterException"),
        ({"S3Object": {"Bucket": "absent", "Name": "x"}}, "InvalidS3ObjectException"),
    ],
    ids=["no image", "cut off", "webp", "encoded twice", "too many bytes", "too small", "empty", "no member", "no object"],
)  # fmt: skip
def test_boto3_raises_the_modelled_exception(emulator: RunningEmulator, image: dict[str, Any], exception: str) -> None:
    client = emulator.client()
    with pytest.raises(getattr(client.exceptions, exception)):
        client.detect_labels(Image=image)
    totals = emulator.counters()["totals"]
    assert (totals["requests"], totals["refused"], totals["inferences"]) == (1, 1, 0)


def test_operations_that_are_not_emulated_are_unknown(emulator: RunningEmulator) -> None:
    with pytest.raises(ClientError) as caught:
        emulator.client().start_label_detection(Video={"S3Object": {"Bucket": "abc", "Name": "x"}})
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"


@pytest.mark.parametrize(
    ("kind", "exception", "count"),
    [
        ("throttle", "ThrottlingException", "throttled"),
        ("error500", "InternalServerError", "failed"),
        ("refuse", "InvalidImageFormatException", "refused"),
    ],
)
def test_scripted_refusals(emulator: RunningEmulator, kind: str, exception: str, count: str) -> None:
    emulator.add_fault(kind, times=1)
    client = emulator.client()
    with pytest.raises(getattr(client.exceptions, exception)):
        client.detect_labels(Image={"Bytes": SCENE})
    assert client.detect_labels(Image={"Bytes": SCENE})["Labels"]
    assert emulator.counters()["totals"] == {
        "requests": 2,
        "inferences": 1,
        "refused": 0,
        "throttled": 0,
        "failed": 0,
        count: 1,
    }  # fmt: skip


def test_botocore_retries_a_throttled_call_by_itself(emulator: RunningEmulator) -> None:
    emulator.add_fault("throttle", times=1)
    assert emulator.client(attempts=3).detect_labels(Image={"Bytes": SCENE})["Labels"]
    totals = emulator.counters()["totals"]
    assert (totals["requests"], totals["throttled"], totals["inferences"]) == (2, 1, 1)


def test_a_dropped_connection(emulator: RunningEmulator) -> None:
    emulator.add_fault("close", times=1)
    with pytest.raises(ConnectionClosedError):
        emulator.client().detect_labels(Image={"Bytes": SCENE})
    totals = emulator.counters()["totals"]
    assert (totals["failed"], totals["inferences"]) == (1, 0)


@pytest.mark.parametrize("kind", ["truncated", "garbage"])
def test_a_broken_answer_is_silently_no_labels(emulator: RunningEmulator, kind: str) -> None:
    """botocore neither compares the body with its Content-Length nor minds a body that is no JSON: the client sees an image
    without labels. That is the reason why a proxy has to look at what it got."""
    emulator.add_fault(kind, times=1)
    answer = emulator.client().detect_labels(Image={"Bytes": SCENE})
    assert set(answer) == {"ResponseMetadata"}
    assert emulator.paid() == 1


def test_half_an_answer_is_seen_by_a_client_that_looks(emulator: RunningEmulator) -> None:
    emulator.add_fault("truncated", times=1)
    headers = {"X-Amz-Target": "RekognitionService.ListCollections", "Authorization": AUTHORIZATION}
    request = urllib.request.Request(emulator.url, data=b"{}", headers=headers)
    with urllib.request.urlopen(request, timeout=COMMAND_S) as reply, pytest.raises(http.client.IncompleteRead):
        reply.read()


def test_a_stall_outlasts_an_impatient_client_and_is_paid_for_in_the_end(emulator: RunningEmulator) -> None:
    emulator.add_fault("stall", times=1, seconds=1.0)
    with pytest.raises(ReadTimeoutError):
        emulator.client(read_s=0.2).detect_labels(Image={"Bytes": SCENE})
    assert emulator.paid() == 0
    # One thread of the pool is enough to show that the stall holds nothing up.
    assert emulator.client().detect_labels(Image={"Bytes": SCENE})["Labels"]
    while emulator.counters()["in_flight"]:
        emulator.client().list_collections()
    assert emulator.paid() == 2


def test_boxes_outside_the_image(emulator: RunningEmulator) -> None:
    emulator.add_fault("outside_boxes", operation="DetectLabels")
    labels = {label["Name"]: label for label in emulator.client().detect_labels(Image={"Bytes": SCENE})["Labels"]}
    lefts = [instance["BoundingBox"]["Left"] for instance in labels["Ghost"]["Instances"]]
    assert min(lefts) < 0
    assert max(lefts) > 1
    assert len(labels[MARKERS[0].label]["Instances"]) == 1


def test_poison(emulator: RunningEmulator) -> None:
    emulator.behave(poison=[17])
    client = emulator.client()
    with pytest.raises(client.exceptions.InvalidImageFormatException):
        client.detect_labels(Image={"Bytes": SCENE})
    assert client.detect_labels(Image={"Bytes": stored(plain(300, 300, Placed(18, 20, 20, 100)))})["Labels"]


def test_many_clients_at_once(emulator: RunningEmulator) -> None:
    emulator.behave(latency_ms=100)
    client = emulator.client()
    images = [stored(plain(320, 240, Placed(i, 40, 40, 120))) for i in range(24)]

    def names(image: bytes) -> set[str]:
        return {label["Name"] for label in client.detect_labels(Image={"Bytes": image})["Labels"]}

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(names, images))
    assert all(Placed(i, 0, 0, 10).label in seen for i, seen in enumerate(found))
    counters = emulator.counters()
    assert counters["inferences"] == {"DetectLabels": 24}
    assert counters["in_flight_peak"] > 4


def test_signatures_are_verified_with_the_secret() -> None:
    with running_emulator("--secret", SECRET_KEY, "--no-classical") as strict:
        assert strict.client().detect_labels(Image={"Bytes": SCENE})["Labels"]
        with pytest.raises(ClientError) as caught:
            strict.client(secret="another").detect_labels(Image={"Bytes": SCENE})
        assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"


def aws(emulator: RunningEmulator, *words: str) -> subprocess.CompletedProcess[str]:
    """The aws command line, with nothing of this machine's own configuration."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_MAX_ATTEMPTS": "1",
    }
    command = [sys.executable, "-m", "awscli", *words, "--output", "json"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=COMMAND_S)


def test_the_aws_command_line(emulator: RunningEmulator, tmp_path: Path) -> None:
    (tmp_path / "scene.jpg").write_bytes(SCENE)
    inline = aws(emulator, "rekognition", "detect-labels", "--image-bytes", f"fileb://{tmp_path / 'scene.jpg'}")
    assert inline.returncode == 0, inline.stderr
    names = {label["Name"] for label in json.loads(inline.stdout)["Labels"]}
    assert {marker.label for marker in MARKERS} <= names
    by_name = aws(
        emulator, "rekognition", "detect-faces", "--image", '{"S3Object":{"Bucket":"photos","Name":"2026/a scene.jpg"}}'
    )
    assert len(json.loads(by_name.stdout)["FaceDetails"]) == len(MARKERS)


def test_the_aws_command_line_shows_the_services_errors(emulator: RunningEmulator, tmp_path: Path) -> None:
    (tmp_path / "no.jpg").write_bytes(b"no image")
    failed = aws(emulator, "rekognition", "detect-labels", "--image-bytes", f"fileb://{tmp_path / 'no.jpg'}")
    assert failed.returncode != 0
    assert "(InvalidImageFormatException) when calling the DetectLabels operation" in failed.stderr


def test_exif_turned_photographs_are_answered_upright(emulator: RunningEmulator) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    marker = Placed(8, 60, 40, 120)
    turned = np.ascontiguousarray(np.rot90(plain(640, 480, marker)))
    data = stored(turned, exif=exif)
    assert reread(data).shape == (640, 480, 3)
    labels = {label["Name"]: label for label in emulator.client().detect_labels(Image={"Bytes": data})["Labels"]}
    (instance,) = labels[marker.label]["Instances"]
    assert box_px(instance["BoundingBox"]) == pytest.approx(marker.box, abs=1.0)


@needs_eval_data
def test_with_a_model_photographs_are_looked_at() -> None:
    with running_emulator("--model", str(models()[0])) as seeing:
        client = seeing.client()
        names = set()
        for path in photographs("voc2012", 12):
            names |= {label["Name"] for label in client.detect_labels(Image={"Bytes": path.read_bytes()})["Labels"]}
    assert len(names - {"Indoors", "Outdoors", "Nature", "Night"}) > 5
