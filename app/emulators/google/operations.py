"""The methods besides BatchAnnotateImages: long-running operations, files, and images in the background.

In: request messages. Out: an answer, or a `ServiceError`. They are here so that requests which cannot be gridded have something
to be passed through to. Nothing runs in the background: one finished operation is there from the start, under any project.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import Message

from app.emulators.google.errors import Json, invalid_argument, not_found, unimplemented
from app.emulators.google.messages import operation_answer

FINISHED = "finished"
"""Last part of the name of the operation that is there."""
TYPES = "type.googleapis.com/google.cloud.vision.v1"
MADE_AT = "2026-01-01T00:00:00Z"
OUTPUT_URI = "gs://results/finished/"
BATCH_SIZE = 20


def get_operation(request: Any) -> Message:
    name: str = request.name
    if name.rpartition("/")[2] != FINISHED:
        raise not_found(f"operation {name}")
    return operation_answer(_finished(name))


def _finished(name: str) -> Json:
    output = {"gcsDestination": {"uri": OUTPUT_URI}, "batchSize": BATCH_SIZE}
    return {
        "name": name,
        "metadata": {"@type": f"{TYPES}.OperationMetadata", "state": "DONE", "createTime": MADE_AT, "updateTime": MADE_AT},
        "done": True,
        "response": {"@type": f"{TYPES}.AsyncBatchAnnotateImagesResponse", "outputConfig": output},
    }


def annotate_files(request: Any) -> Message:
    if not request.requests:
        raise invalid_argument("Request must specify files and features.")
    raise unimplemented("Annotating files")


def annotate_images_later(request: Any) -> Message:
    if not request.requests:
        raise invalid_argument("Request must specify images and features.")
    if not request.output_config.gcs_destination.uri:
        raise invalid_argument("Request must specify an output location.")
    raise unimplemented("Annotating in the background")


PLAIN_METHODS: Mapping[str, Callable[[Any], Message]] = {
    "AsyncBatchAnnotateImages": annotate_images_later,
    "BatchAnnotateFiles": annotate_files,
    "AsyncBatchAnnotateFiles": annotate_files,
    "GetOperation": get_operation,
}
"""Methods that look at no image here, by name."""
