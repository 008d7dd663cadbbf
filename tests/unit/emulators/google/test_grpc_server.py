"""Calls over gRPC, in the test's own process: the same service, with gRPC's own ways of saying things."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.cloud.vision_v1.types import image_annotator
from google.longrunning import operations_pb2
from google.rpc import status_pb2

from app.emulators.faults import Fault, FaultKind
from app.emulators.google.grpc_server import MESSAGE_BYTES, STATUS_DETAILS
from app.emulators.options import EmulatorOptions
from tests.support.emulated_google import EmulatedGoogle, emulated_google
from tests.support.google_clients import asked, with_key
from tests.support.marker_scenes import Placed, plain, stored

EIGHT = stored(plain(320, 240, Placed(8, 40, 40, 120)))
BATCH = "/google.cloud.vision.v1.ImageAnnotator/BatchAnnotateImages"
CALL_S = 60.0


def request(*images: bytes) -> bytes:
    batch = image_annotator.BatchAnnotateImagesRequest(requests=asked(*((data, ["OBJECT_LOCALIZATION"]) for data in images)))
    data: bytes = image_annotator.BatchAnnotateImagesRequest.serialize(batch)
    return data


def codes(answer: bytes) -> list[int]:
    return [response.error.code for response in image_annotator.BatchAnnotateImagesResponse.deserialize(answer).responses]


@asynccontextmanager
async def channel(emulator: EmulatedGoogle) -> AsyncIterator[grpc.aio.Channel]:
    """Sends messages of any size: the limit under test is the server's."""
    async with grpc.aio.insecure_channel(emulator.grpc, options=[("grpc.max_send_message_length", -1)]) as opened:
        yield opened


def method_of(opened: grpc.aio.Channel, method: str = BATCH) -> Any:
    """Bytes in, bytes out."""
    return opened.unary_unary(method)


async def call(emulator: EmulatedGoogle, data: bytes, method: str = BATCH, metadata: Any = None) -> bytes:
    async with channel(emulator) as opened:
        answer: bytes = await method_of(opened, method)(data, timeout=CALL_S, metadata=metadata)
    return answer


async def refused(emulator: EmulatedGoogle, data: bytes, method: str = BATCH, metadata: Any = None) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(emulator, data, method, metadata)
    return caught.value


async def test_images_are_answered_and_bad_ones_refused_alone() -> None:
    async with emulated_google() as emulator:
        assert codes(await call(emulator, request(EIGHT, b"no image", EIGHT))) == [0, 3, 0]
        assert codes(await call(emulator, request())) == []
        totals = (await emulator.counters())["totals"]
        assert totals == {"requests": 2, "inferences": 2, "refused": 1, "throttled": 0, "failed": 0}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (FaultKind.THROTTLE, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (FaultKind.ERROR500, grpc.StatusCode.INTERNAL),
        (FaultKind.CLOSE, grpc.StatusCode.UNAVAILABLE),
    ],
)
async def test_faults_have_their_codes(kind: FaultKind, code: grpc.StatusCode) -> None:
    async with emulated_google(EmulatorOptions(faults=(Fault(kind, times=1),))) as emulator:
        assert (await refused(emulator, request(EIGHT))).code() is code
        assert codes(await call(emulator, request(EIGHT))) == [0]
        assert (await emulator.counters())["totals"]["inferences"] == 1


@pytest.mark.parametrize("kind", [FaultKind.GARBAGE, FaultKind.TRUNCATED])
@pytest.mark.parametrize("images", [(EIGHT, EIGHT), (b"no image",)])
async def test_a_broken_answer_cannot_be_parsed(kind: FaultKind, images: tuple[bytes, ...]) -> None:
    async with emulated_google(EmulatorOptions(faults=(Fault(kind, times=1),))) as emulator:
        answer = await call(emulator, request(*images))
        with pytest.raises(Exception, match="parsing"):
            codes(answer)


async def test_a_message_that_is_none_is_refused() -> None:
    async with emulated_google() as emulator:
        assert (await refused(emulator, b"<html>")).code() is grpc.StatusCode.INTERNAL


async def test_messages_above_grpcs_own_limit_are_taken_and_far_larger_ones_refused() -> None:
    async with emulated_google() as emulator:
        assert codes(await call(emulator, request(bytes(5 * 1024 * 1024)))) == [3]
        error = await refused(emulator, request(bytes(MESSAGE_BYTES)))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert str(MESSAGE_BYTES) in (error.details() or "")


async def test_credentials_are_metadata_and_details_come_along() -> None:
    async with emulated_google(EmulatorOptions(secret="s")) as emulator:
        assert codes(await call(emulator, request(EIGHT), metadata=with_key("s"))) == [0]
        assert codes(await call(emulator, request(EIGHT), metadata=[("authorization", "Bearer s")])) == [0]
        assert (await refused(emulator, request(EIGHT))).code() is grpc.StatusCode.PERMISSION_DENIED
        error = await refused(emulator, request(EIGHT), metadata=with_key("other"))
        status = status_pb2.Status.FromString(dict(error.trailing_metadata())[STATUS_DETAILS])
        assert (error.code(), status.code) == (grpc.StatusCode.INVALID_ARGUMENT, 3)
        assert b"API_KEY_INVALID" in status.details[0].value


async def test_operations_and_files_answer_here_too() -> None:
    async with emulated_google() as emulator:
        name = operations_pb2.GetOperationRequest(name="operations/finished").SerializeToString()
        answer = await call(emulator, name, "/google.longrunning.Operations/GetOperation")
        assert operations_pb2.Operation.FromString(answer).done
        files = "/google.cloud.vision.v1.ImageAnnotator/BatchAnnotateFiles"
        assert (await refused(emulator, b"", files)).code() is grpc.StatusCode.INVALID_ARGUMENT
        unknown = await refused(emulator, b"", "/google.cloud.vision.v1.ProductSearch/ListProducts")
        assert unknown.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_call_whose_client_has_gone_is_finished_and_paid_for() -> None:
    async with emulated_google(EmulatorOptions(faults=(Fault(FaultKind.STALL, times=1, seconds=0.3),))) as emulator:
        async with channel(emulator) as opened:
            under_way = method_of(opened)(request(EIGHT), timeout=CALL_S)
            while not (await emulator.counters())["in_flight"]:
                await asyncio.sleep(0)
            under_way.cancel()
        while (await emulator.counters())["in_flight"]:
            await asyncio.sleep(0)
        assert (await emulator.counters())["inferences"] == {"OBJECT_LOCALIZATION": 1}


async def test_a_port_has_one_owner() -> None:
    async with emulated_google() as emulator:
        port = int(emulator.grpc.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            async with emulated_google(EmulatorOptions(grpc_port=port)):
                pass


async def test_it_ends_with_calls_under_way() -> None:
    async with emulated_google(EmulatorOptions(faults=(Fault(FaultKind.STALL, seconds=3600),))) as emulator:
        opened = grpc.aio.insecure_channel(emulator.grpc)
        under_way = method_of(opened)(request(EIGHT), timeout=CALL_S)
        while not (await emulator.counters())["in_flight"]:
            await asyncio.sleep(0)
    with pytest.raises(grpc.aio.AioRpcError):
        await under_way
    await opened.close()
