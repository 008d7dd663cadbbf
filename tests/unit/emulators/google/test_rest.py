"""Calls over REST: paths, queries, bodies."""

from __future__ import annotations

import pytest

from app.emulators.google.rest import BODY_BYTES
from tests.support.emulated_google import emulated_google, inline
from tests.support.marker_scenes import Placed, plain, stored

EIGHT = stored(plain(320, 240, Placed(8, 40, 40, 120)))
BODY = {"requests": [inline(EIGHT, "SAFE_SEARCH_DETECTION")]}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/images:annotate",
        "//v1/images:annotate",
        "/v1/projects/p/images:annotate",
        "/v1/projects/p/locations/eu/images:annotate",
        "/v1p3beta1/images:annotate",
        "/v1p4beta1/projects/p/locations/eu/images:annotate",
    ],
)
async def test_every_form_of_the_path(path: str) -> None:
    async with emulated_google() as emulator:
        reply = await emulator.post(BODY, path=path)
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json; charset=UTF-8")
        assert reply.json["responses"][0]["safeSearchAnnotation"]["adult"] == "VERY_UNLIKELY"


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("/v1/images:asyncBatchAnnotate", "AsyncBatchAnnotateImages"),
        ("/v1/files:annotate", "BatchAnnotateFiles"),
        ("/v1/projects/p/files:asyncBatchAnnotate", "AsyncBatchAnnotateFiles"),
    ],
)
async def test_other_methods_are_known_by_name(path: str, count: str) -> None:
    async with emulated_google() as emulator:
        assert (await emulator.post({}, path=path)).code == "INVALID_ARGUMENT"
        assert (await emulator.counters())["refused"] == {count: 1}


@pytest.mark.parametrize("path", ["/v1/operations/finished", "/v1/projects/p/locations/eu/operations/finished"])
async def test_an_operation_is_read_the_same_every_time(path: str) -> None:
    async with emulated_google() as emulator:
        first, second = await emulator.get(path), await emulator.get(path)
        assert (first.status, first.body) == (200, second.body)
        assert first.json["name"] == path.removeprefix("/v1/")
        assert (await emulator.get("/v1/operations/other")).code == "NOT_FOUND"
        assert (await emulator.counters())["inferences"] == {}


@pytest.mark.parametrize(
    "path", ["/", "/v1/images", "/v1/images:classify", "/v2/images:annotate", "///v1/images:annotate", "/v1//images:annotate"]
)
async def test_other_paths_are_not_found(path: str) -> None:
    async with emulated_google() as emulator:
        reply = await emulator.post(BODY, path=path)
        assert (reply.status, reply.code) == (404, "NOT_FOUND")
        assert (await emulator.counters())["refused"] == {"unknown": 1}


async def test_an_image_is_posted_and_not_got() -> None:
    async with emulated_google() as emulator:
        assert (await emulator.get("/v1/images:annotate")).status == 404


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", "VERY_UNLIKELY"),
        ("alt=json", "VERY_UNLIKELY"),
        ("$alt=json", "VERY_UNLIKELY"),
        ("$alt=json;enum-encoding=int", 1),
        ("%24alt=json%3Benum-encoding%3Dint", 1),
        ("key=k&prettyPrint=false", "VERY_UNLIKELY"),
    ],
)
async def test_enums_are_numbers_where_that_is_asked_for(query: str, wanted: object) -> None:
    async with emulated_google() as emulator:
        reply = await emulator.post(BODY, path=f"/v1/images:annotate?{query}")
        assert reply.json["responses"][0]["safeSearchAnnotation"]["adult"] == wanted
        assert (b"\n" in reply.body) == ("prettyPrint=false" not in query)


@pytest.mark.parametrize("query", ["alt=proto", "$alt=media", "$alt=json;enum-encoding=word", "color=red"])
async def test_unknown_parameters_are_refused(query: str) -> None:
    async with emulated_google() as emulator:
        reply = await emulator.post(BODY, path=f"/v1/images:annotate?{query}")
        assert (reply.status, reply.code) == (400, "INVALID_ARGUMENT")


async def test_a_body_that_is_too_large_is_refused() -> None:
    async with emulated_google() as emulator:
        assert (await emulator.post(b"{}" + b" " * (BODY_BYTES - 2))).status == 200
        reply = await emulator.post(b"{}" + b" " * (BODY_BYTES - 1))
        assert (reply.status, reply.code) == (400, "INVALID_ARGUMENT")
        assert str(BODY_BYTES) in reply.message


async def test_an_error_has_the_vendors_shape() -> None:
    async with emulated_google() as emulator:
        reply = await emulator.post({"requests": [{"features": [{"type": "CATS"}]}]})
        assert reply.headers["content-type"] == "application/json; charset=UTF-8"
        assert set(reply.json["error"]) == {"code", "message", "status"}
        assert "CATS" in reply.message
