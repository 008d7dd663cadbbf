"""The way of a request through the two Azure dialects: calls, a rest beside them, or handed on; and one answer in the end."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from app.core.clients import Tenant
from app.core.model import Failure, Feature, Outcome, RawRequest
from app.core.prices import PriceList
from app.errors import Kind, Problem
from app.wire.azure import AzureOptions, OwnProvider, azure_dialects
from app.wire.azure.refusals import Refused
from app.wire.contract import Answered, Call, Calls, InlineImage, LinkedImage, Passthrough, Rest, RestAnswer, RestReply
from tests.support.wire import PICTURE, PIXELS, answered, azure_request, detection, old_azure_request

VERSION = "api-version=2024-02-01"
OFFERS = frozenset({Feature.OBJECTS, Feature.PEOPLE, Feature.TEXT})
OTHERS = azure_dialects()
OWN = azure_dialects(AzureOptions(offers=OFFERS, own=OwnProvider(PriceList(otherwise=0.001), 0.5)))
GIF = b"GIF89a not looked at"


def asking(features: str, **more: Any) -> RawRequest:
    return azure_request(f"{VERSION}&features={features}", **more)


def a_call(raw: RawRequest) -> Call:
    call = (OTHERS.vision if raw.path.startswith("/vision") else OTHERS.analysis).read(raw)
    assert isinstance(call, Call)
    return call


class TestReading:
    def test_a_call(self) -> None:
        call = a_call(asking("people,objects", x_tessera_grid="off", ocp_apim_subscription_key="k"))
        assert (call.endpoint, call.operation, call.source) == ("azure", "analyze", InlineImage(PIXELS))
        assert [inquiry.feature for inquiry in call.inquiries] == [Feature.PEOPLE, Feature.OBJECTS]
        assert [inquiry.min_score_unit for inquiry in call.inquiries] == [None, None]
        assert (call.wishes.grid, call.alone, call.max_image_bytes) == (False, None, 20_971_520)
        assert a_call(old_azure_request()).max_image_bytes == 4 * 1024 * 1024

    def test_sides_are_checked_in_the_vendors_words(self) -> None:
        check = a_call(asking("objects")).check
        assert check is not None
        with pytest.raises(Refused):
            check(replace(PICTURE, stored=replace(PICTURE.stored, width_px=49)))

    def test_text_is_a_part_of_the_one_call(self) -> None:
        """A linked image is fetched once for all features; whether text may share a sheet is the pipeline's to know."""
        call = a_call(asking("objects,read"))
        assert (call.alone, [one.feature for one in call.inquiries]) == (None, [Feature.OBJECTS, Feature.TEXT])
        assert [one.feature for one in a_call(asking("read")).inquiries] == [Feature.TEXT]

    def test_an_address(self) -> None:
        raw = asking("objects", body=b'{"url": "https://example.com/a.jpg"}', content_type="application/json")
        assert a_call(raw).source == LinkedImage("https://example.com/a.jpg")

    def test_the_rest_is_the_vendors_own_request_without_what_shares_a_sheet(self) -> None:
        asked = f"{VERSION}&features=tags,objects,caption&gender-neutral-caption=true&subscription-key=k"
        raw = azure_request(asked, accept_encoding="gzip")
        calls = OWN.analysis.read(raw)
        assert isinstance(calls, Calls)
        query = f"{VERSION}&features=tags,caption&gender-neutral-caption=true"
        rest = replace(raw, query=query, headers={**raw.headers, "accept-encoding": "identity"})
        assert calls.rest == Rest(rest, "azure", (frozenset({"tags", "caption"}),))
        assert [one.feature for one in calls.calls[0].inquiries] == [Feature.OBJECTS]

    def test_the_rest_of_3_2(self) -> None:
        raw = old_azure_request("visualFeatures=Objects&details=Landmarks&language=en")
        calls = OWN.vision.read(raw)
        assert isinstance(calls, Calls)
        headers = {**raw.headers, "accept-encoding": "identity"}
        rest = replace(raw, query="details=Landmarks&language=en", headers=headers)
        assert calls.rest == Rest(rest, "azure", (frozenset({"Landmarks"}),))

    @pytest.mark.parametrize(
        ("raw", "billed"),
        [
            (asking("tags,caption"), {"tags", "caption"}),
            (asking("objects", body=GIF), {"objects"}),
            (azure_request("features=objects"), {"objects"}),
            (azure_request(VERSION, method="GET"), None),
            (azure_request(path="/computervision/models"), None),
            (old_azure_request("", "tag"), {"Tags"}),
            (old_azure_request("", "models/landmarks/analyze"), {"Landmarks"}),
            (old_azure_request("", "read/analyzeResults/7", method="GET"), None),
            (old_azure_request("visualFeatures=Color"), {"Color"}),
        ],
    )
    def test_handed_on(self, raw: RawRequest, billed: set[str] | None) -> None:
        read = (OWN.vision if raw.path.startswith("/vision") else OWN.analysis).read(raw)
        assert isinstance(read, Passthrough)
        assert (read.endpoint, read.vendor) == ("azure", "azure")
        assert read.billed == ((frozenset(billed),) if billed else ())

    def test_files_that_only_the_vendor_reads_go_nowhere_else(self) -> None:
        """Behind another provider they are looked at, and refused by their name."""
        assert isinstance(OTHERS.analysis.read(asking("objects", body=GIF)), Call)

    def test_tenants(self) -> None:
        """One for each key, however it comes; the key itself is not in it."""
        key = a_call(asking("objects", ocp_apim_subscription_key=" secret ")).tenant
        bearer = a_call(asking("objects", authorization="Bearer secret")).tenant
        query = a_call(azure_request(f"{VERSION}&features=objects&subscription-key=secret")).tenant
        assert key == bearer == query
        assert key.name.startswith("key-")
        assert "secret" not in key.name
        assert a_call(asking("objects", ocp_apim_subscription_key="other")).tenant != key
        for nobody in (asking("objects"), asking("objects", authorization="Basic x")):
            assert a_call(nobody).tenant == Tenant("anonymous")

    @pytest.mark.parametrize("raw", [asking("objects", x_tessera_grid="maybe"), asking("objects", body=b"")])
    def test_refused(self, raw: RawRequest) -> None:
        with pytest.raises(Problem):
            OTHERS.analysis.read(raw)


MIXED = OWN.analysis.read(asking("objects,tags"))
FOUND = Answered(PICTURE, (answered(detection()),))
TAGS = RestReply(200, b'{"tagsResult":{"values":[]},"modelVersion":"v","metadata":{}}')


class TestWriting:
    def test_both_headers_of_ours_and_of_the_vendor(self) -> None:
        reply = OTHERS.analysis.write(a_call(asking("objects")), PICTURE, [answered(detection())], "request-1")
        assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
        assert reply.headers["apim-request-id"] == reply.headers["X-Request-Id"] == "request-1"
        assert reply.headers["X-Tessera-Grid"] == "1x1"

    def test_one_answer_with_the_rest(self) -> None:
        assert isinstance(MIXED, Calls)
        body = json.loads(OWN.analysis.write_calls(MIXED, [FOUND], TAGS, "r").body)
        assert set(body) == {"objectsResult", "tagsResult", "modelVersion", "metadata"}

    @pytest.mark.parametrize(
        ("answer", "rest", "status"),
        [
            (FOUND, RestReply(400, b'{"error":{"code":"InvalidRequest","message":"m"}}'), 400),
            (FOUND, Problem(Kind.PROVIDER_TIMEOUT, "too late"), 504),
            (FOUND, RestReply(200, b"garbage"), 500),
            (Problem(Kind.INVALID_IMAGE, "no image"), TAGS, 400),
            (Answered(PICTURE, (Outcome("job", Failure(Kind.THROTTLED, "slow")),)), TAGS, 429),
        ],
    )
    def test_half_an_answer_is_none(self, answer: Answered | Problem, rest: RestAnswer, status: int) -> None:
        assert isinstance(MIXED, Calls)
        reply = OWN.analysis.write_calls(MIXED, [answer], rest, "r")
        assert (reply.status, set(json.loads(reply.body))) == (status, {"error"})

    def test_counts_are_compared(self) -> None:
        assert isinstance(MIXED, Calls)
        for answers in ([], [FOUND, FOUND], [Answered(PICTURE, ())]):
            with pytest.raises(Problem) as caught:
                OWN.analysis.write_calls(MIXED, answers, TAGS, "r")
            assert caught.value.kind is Kind.INTERNAL

    def test_names(self) -> None:
        assert (OWN.analysis.name, OWN.vision.name) == ("azure", "azure")
        assert (OWN.analysis.version, OWN.vision.version) == ("4.0", "3.2")
