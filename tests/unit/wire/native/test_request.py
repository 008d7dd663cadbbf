"""Reading native requests: what is not understood is an error, by name; what is understood becomes one Call."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clients import Tenant
from app.core.model import Feature, Inquiry, RawRequest, Task
from app.errors import Fault, Kind, Problem
from app.wire.contract import Call, InlineImage, Wishes
from app.wire.native import OPERATIONS, NativeDialect
from tests.support.wire import PIXELS, native_request

DIALECT = NativeDialect()


def refusal(raw: RawRequest, dialect: NativeDialect = DIALECT) -> Problem:
    with pytest.raises(Problem) as caught:
        dialect.read(raw)
    return caught.value


def test_the_plainest_request() -> None:
    call = DIALECT.read(native_request())
    assert call == Call(
        endpoint="native",
        operation="detect",
        tenant=Tenant("anonymous"),
        source=InlineImage(PIXELS),
        inquiries=(Inquiry(Feature.OBJECTS, min_score_unit=0.5, max_results=100),),
        wishes=Wishes(),
        formats=frozenset({"jpeg", "png", "webp"}),
        max_image_bytes=20 * 1024 * 1024,
    )


def test_wishes_are_read() -> None:
    assert DIALECT.read(native_request(x_tessera_grid="off")).wishes == Wishes(grid=False)


@pytest.mark.parametrize(
    ("query", "features"),
    [
        ("features=faces", [Feature.FACES]),
        ("features=faces,objects", [Feature.FACES, Feature.OBJECTS]),
        ("features=faces%2Cobjects", [Feature.FACES, Feature.OBJECTS]),
        ("features=faces&features=objects", [Feature.FACES, Feature.OBJECTS]),
        ("features=objects,objects", [Feature.OBJECTS]),
        ("features=+Objects+", [Feature.OBJECTS]),
        ("features=celebrities,protective_equipment", [Feature.CELEBRITIES, Feature.PROTECTIVE_EQUIPMENT]),
    ],
)
def test_features_in_the_order_asked_each_once(query: str, features: list[Feature]) -> None:
    assert [inquiry.feature for inquiry in DIALECT.read(native_request(query)).inquiries] == features


@pytest.mark.parametrize(
    ("query", "max_results", "min_score_unit"),
    [
        ("", 100, 0.5),
        ("max_results=1", 1, 0.5),
        ("max_results=1000", 1000, 0.5),
        ("min_score=0", 100, 0.0),
        ("min_score=1", 100, 1.0),
    ],
)
def test_limits(query: str, max_results: int, min_score_unit: float) -> None:
    inquiry = DIALECT.read(native_request(query)).inquiries[0]
    assert (inquiry.max_results, inquiry.min_score_unit) == (max_results, min_score_unit)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("feature=objects", "did you mean 'features'?"),
        ("features=object", "did you mean 'objects'?"),
        ("features=", "unknown feature ''"),
        ("features=objects,,faces", "unknown feature ''"),
        ("features=custom_objects", "unknown feature 'custom_objects'"),
        ("max_results=0", "between 1 and 1000"),
        ("max_results=1001", "between 1 and 1000"),
        ("max_results=2.5", "between 1 and 1000"),
        ("max_results=many", "between 1 and 1000"),
        ("max_results=", "between 1 and 1000"),
        ("max_results=5&max_results=6", "max_results is given 2 times"),
        ("min_score=1.01", "between 0 and 1"),
        ("min_score=-0.5", "between 0 and 1"),
        ("min_score=nan", "between 0 and 1"),
        ("min_score=inf", "between 0 and 1"),
        ("zzz=1", "known: features, max_results, min_score"),
        ("=1", "unknown parameter ''"),
        ("&".join(["features=objects"] * 40), "more than 32"),
    ],
)
def test_what_is_not_understood_is_named(query: str, words: str) -> None:
    problem = refusal(native_request(query))
    assert problem.kind is Kind.INVALID_PARAMETER
    assert words in problem.detail


@pytest.mark.parametrize(
    "content_type",
    ["image/jpeg", "image/png; q=1", "IMAGE/WebP", "application/octet-stream", "application/x-www-form-urlencoded", ""],
)
def test_a_raw_body_is_the_image(content_type: str) -> None:
    """A form content type too: it is what curl calls every --data-binary."""
    assert DIALECT.read(native_request(content_type=content_type)).source == InlineImage(PIXELS)


def test_a_form_is_read_for_its_image() -> None:
    body = b'--edge\r\nContent-Disposition: form-data; name="image"; filename="x.jpg"\r\n\r\n' + PIXELS + b"\r\n--edge--\r\n"
    raw = native_request(body=body, content_type="Multipart/Form-Data; boundary=edge")
    assert DIALECT.read(raw).source == InlineImage(PIXELS)


def test_a_content_type_that_is_no_image_is_refused() -> None:
    problem = refusal(native_request(content_type="application/json"))
    assert problem.kind is Kind.INVALID_IMAGE
    assert "application/json" in problem.detail


def test_an_empty_body_is_a_missing_image() -> None:
    assert refusal(native_request(body=b"")).kind is Kind.MISSING_IMAGE


def test_the_size_limit_is_exact() -> None:
    dialect = NativeDialect(max_image_bytes=len(PIXELS))
    assert dialect.read(native_request()).max_image_bytes == len(PIXELS)
    assert refusal(native_request(body=PIXELS + b"!"), dialect).kind is Kind.IMAGE_TOO_LARGE


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/detect"), ("GET", "/v1/moderate"), ("POST", "/v1/judge"), ("POST", "/")]
)
def test_other_operations_are_unknown(method: str, path: str) -> None:
    assert refusal(replace(native_request(), method=method, path=path)).kind is Kind.UNKNOWN_OPERATION


@pytest.mark.parametrize(
    ("operation", "feature", "task"),
    [
        ("detect", Feature.OBJECTS, Task.DETECT),
        ("classify", Feature.LABELS, Task.CLASSIFY),
        ("moderate", Feature.MODERATION, Task.MODERATE),
    ],
)
def test_each_operation_asks_for_its_own(operation: str, feature: Feature, task: Task) -> None:
    """`features` may be said, and may say nothing else. Of moderation all categories count."""
    for query in ("", f"features={feature.value}"):
        call = DIALECT.read(native_request(query, operation=operation))
        assert (call.operation, call.task, call.alone) == (operation, task, None)
        assert call.inquiries == (Inquiry(feature, min_score_unit=0.5, max_results=100),)


@pytest.mark.parametrize(
    ("operation", "query", "words"),
    [
        ("classify", "features=objects", "'objects' is asked for with POST /v1/detect"),
        ("classify", "features=labels,faces", "'faces' is asked for with POST /v1/detect"),
        ("classify", "features=label", "did you mean 'labels'?"),
        ("classify", "categories=adult", "unknown parameter 'categories'"),
        ("classify", "max_result=5", "did you mean 'max_results'?"),
        ("moderate", "features=labels", "'labels' is asked for with POST /v1/classify"),
        ("moderate", "categories=gamble", "did you mean 'gambling'?"),
        ("moderate", "categories=", "unknown category ''"),
        ("moderate", "categories=adult,,racy", "unknown category ''"),
        ("moderate", "category=adult", "did you mean 'categories'?"),
        ("moderate", "min_score=2", "between 0 and 1"),
        ("detect", "features=moderation", "'moderation' is asked for with POST /v1/moderate"),
        ("detect", "categories=adult", "unknown parameter 'categories'"),
    ],
)
def test_what_another_operation_knows_is_a_problem_that_says_so(operation: str, query: str, words: str) -> None:
    problem = refusal(native_request(query, operation=operation))
    assert problem.kind is Kind.INVALID_PARAMETER
    assert words in problem.detail


@pytest.mark.parametrize(
    ("query", "categories"),
    [
        ("categories=adult", ("adult",)),
        ("categories=gore,adult,gore", ("gore", "adult")),
        ("categories=+Adult+&categories=racy", ("adult", "racy")),
        ("categories=adult%2Cracy", ("adult", "racy")),
    ],
)
def test_categories_in_the_order_asked_each_once(query: str, categories: tuple[str, ...]) -> None:
    assert DIALECT.read(native_request(query, operation="moderate")).inquiries[0].categories == categories


def test_thresholds_and_categories_only_filter() -> None:
    """Requests that differ in nothing else share groups."""
    plain, own = (
        DIALECT.read(native_request(query, operation="moderate")).inquiries[0]
        for query in ("", "min_score=0.9&categories=gore&max_results=1")
    )
    assert plain.parameters == own.parameters == "{}"
    assert (own.min_score_unit, own.max_results) == (0.9, 1)


@pytest.mark.parametrize(
    ("vendor", "category", "is_looked_for"),
    [
        ("rekognition", "gambling", True),
        ("rekognition", "spoof", False),
        ("google", "spoof", True),
        ("google", "gore", False),
        ("azure", "gore", True),
        ("azure", "violence", False),
        ("", "violence", True),
    ],
)
def test_nobody_is_told_that_nothing_was_found_where_nobody_looked(vendor: str, category: str, is_looked_for: bool) -> None:
    dialect, raw = NativeDialect(behind=vendor), native_request(f"categories=adult,{category}", operation="moderate")
    if is_looked_for:
        assert dialect.read(raw).inquiries[0].categories == ("adult", category)
    else:
        problem = refusal(raw, dialect)
        assert (problem.kind, problem.detail) == (
            Kind.UNKNOWN_OPERATION,
            f"{category}: not available through this provider",
        )


def test_a_base_path_and_a_trailing_slash_do_no_harm() -> None:
    assert DIALECT.read(replace(native_request(), path="/proxy/v1/detect/")).operation == "detect"


def test_tenants_are_told_apart_without_showing_their_keys() -> None:
    """The same key names the same tenant in either header."""
    by_key = DIALECT.read(native_request(x_api_key="secret-1")).tenant
    by_bearer = DIALECT.read(native_request(authorization="bearer secret-1")).tenant
    other = DIALECT.read(native_request(x_api_key="secret-2")).tenant
    assert by_key == by_bearer != other
    assert "secret" not in by_key.name


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz"])
def test_who_brings_no_key_is_anonymous(authorization: str) -> None:
    assert DIALECT.read(native_request(authorization=authorization)).tenant == Tenant("anonymous")


@given(
    operation=st.sampled_from(sorted(OPERATIONS)),
    query=st.text(max_size=60),
    content_type=st.text(max_size=60),
    body=st.binary(max_size=200),
)
def test_no_input_breaks_it(operation: str, query: str, content_type: str, body: bytes) -> None:
    """Bad input is a caller's fault, whatever it is."""
    fault = None
    try:
        DIALECT.read(native_request(query, body, operation=operation, content_type=content_type))
    except Problem as problem:
        fault = problem.kind.fault
    assert fault in {None, Fault.CALLER}
