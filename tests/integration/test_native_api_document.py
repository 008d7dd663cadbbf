"""The published description of the API is true and whole, and its page needs nobody but this server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from app.wire.native import OPERATIONS
from tests.support.native import NativeClient, is_problem, native_client
from tests.support.pictures import picture
from tests.support.plain_http import WEB
from tests.support.sdk import HURRIED, Rig, running_rig

# What a page may ask a browser to fetch: attributes of tags, and addresses in its own scripts.
FETCHED = re.compile(r"""(?:src|href|action|url)\s*[=:]\s*["']([^"']+)["']""")
JSON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
# By the provider of these tests; the description is the same in front of every provider.
OFFERED = frozenset({"objects", "faces", "celebrities", "protective_equipment", "text"})


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("document")) as running:
        yield running


@pytest.fixture(scope="module")
def client(rig: Rig) -> Iterator[NativeClient]:
    with native_client(rig.server.url) as found:
        yield found


@pytest.fixture(scope="module")
def document(rig: Rig) -> dict[str, Any]:
    found: dict[str, Any] = WEB.get(f"{rig.server.url}/openapi.json").raise_for_status().json()
    return found


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind a reference; every reference leads to one."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    assert reference.startswith("#/")
    found: Any = document
    for step in reference[2:].split("/"):
        found = found[step]
    return _resolved(document, found)


def _mismatches(document: Mapping[str, Any], schema: Mapping[str, Any], value: Any, path: str = "") -> Iterator[str]:
    """Where a value is not what the schema says, as far as our schemas go: types, members, items, words, bounds."""
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        found = [list(_mismatches(document, one, value, path)) for one in schema["anyOf"]]
        yield from () if [] in found else found[0]
        return
    kind = schema.get("type")
    if kind and (not isinstance(value, JSON_TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{path}: {value!r} is no {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is not of {schema['enum']}"
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path}: {value!r} is out of bounds"
    if kind == "object":
        yield from (f"{path}.{name}: missing" for name in schema.get("required", ()) if name not in value)
        for name, item in value.items():
            if name not in schema["properties"]:
                yield f"{path}.{name}: not in the schema"
            else:
                yield from _mismatches(document, schema["properties"][name], item, f"{path}.{name}")
    if kind == "array":
        for number, item in enumerate(value):
            yield from _mismatches(document, schema["items"], item, f"{path}[{number}]")


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _described(document: Mapping[str, Any], name: str = "detect") -> Mapping[str, Any]:
    operation: Mapping[str, Any] = document["paths"][f"/v1/{name}"]["post"]
    return operation


def test_it_is_an_openapi_document(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"]["title"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", document["info"]["version"])
    names = [operation["operationId"] for _, operation in _operations(document)]
    assert len(set(names)) == len(names)
    for name, operation in _operations(document):
        assert operation["summary"], name
        assert operation["responses"], name
        assert all(re.fullmatch(r"[1-5]\d\d", status) for status in operation["responses"]), name
        assert all(response["description"] for response in operation["responses"].values()), name


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = list(_references(document))
    assert references
    for reference in references:
        _resolved(document, {"$ref": reference})


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_example_answer_is_one(document: dict[str, Any], name: str) -> None:
    """By the published schema, and by the model that writes the answers."""
    content = _described(document, name)["responses"]["200"]["content"]["application/json"]
    assert list(_mismatches(document, content["schema"], content["example"])) == []
    assert OPERATIONS[name].reply.model_validate(content["example"]).model_dump(mode="json") == content["example"]


@pytest.mark.parametrize(
    ("name", "query", "listed"),
    [("detect", "features=objects,faces", "detections"), ("classify", "", "labels"), ("moderate", "", "labels")],
)
def test_a_true_answer_is_what_the_schema_says(
    client: NativeClient, document: dict[str, Any], name: str, query: str, listed: str
) -> None:
    schema = _described(document, name)["responses"]["200"]["content"]["application/json"]["schema"]
    answer = client.answer(name, picture(800, 600, 3, 990).content, query, HURRIED)
    assert answer[listed]
    assert list(_mismatches(document, schema, answer)) == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_status_has_an_example_of_its_own(document: dict[str, Any], name: str) -> None:
    """An example under 413 that says 400 would teach programs the wrong thing."""
    for status, response in _described(document, name)["responses"].items():
        for content_type, content in response["content"].items():
            assert "example" in content, f"{status} {content_type}"
            assert list(_mismatches(document, content["schema"], content["example"])) == []
            if status != "200":
                assert content_type == "application/problem+json"
                assert content["example"]["status"] == int(status)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(("query", "status"), [("feature=objects", 400), ("min_score=7", 400), ("min_score=0.7", 415)], ids=str)
def test_a_true_problem_is_what_the_schema_says(
    client: NativeClient, document: dict[str, Any], name: str, query: str, status: int
) -> None:
    reply = client.post(b"no image", query, operation=name)
    assert reply.status_code == status
    schema = _described(document, name)["responses"][str(status)]["content"]["application/problem+json"]["schema"]
    assert list(_mismatches(document, schema, reply.json())) == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_parameter_that_is_described_is_understood(client: NativeClient, document: dict[str, Any], name: str) -> None:
    """With its own default, its least value, or its first word."""
    query, headers = [], {}
    for parameter in _described(document, name)["parameters"]:
        schema = parameter["schema"]
        value = schema.get("default", schema["items"]["enum"][:1] if "items" in schema else schema.get("minimum"))
        text = ",".join(value) if isinstance(value, list) else str(value)
        if parameter["in"] == "query":
            query.append(f"{parameter['name']}={text}")
        else:
            headers[parameter["name"]] = text
    assert (len(query), len(headers)) == (len(OPERATIONS[name].parameters), 3)
    client.answer(name, picture(800, 600, 3, 8).content, "&".join(query), headers)


def test_every_feature_that_is_described_is_understood(client: NativeClient, document: dict[str, Any]) -> None:
    (features,) = [one for one in _described(document)["parameters"] if one["name"] == "features"]
    for feature in features["schema"]["items"]["enum"]:
        reply = client.post(picture(800, 600, 3, 8).content, f"features={feature}", HURRIED)
        if feature in OFFERED:
            assert reply.status_code == 200, reply.text
        else:
            assert "not available through this provider" in is_problem(reply, 404, "unknown-operation")["detail"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_both_bodies_are_described(document: dict[str, Any], name: str) -> None:
    body = _described(document, name)["requestBody"]
    assert body["required"]
    assert {"image/*", "application/octet-stream", "multipart/form-data"} <= body["content"].keys()


@pytest.mark.parametrize("page", ["/docs", "/dashboard"])
def test_a_page_needs_nobody_but_this_server(rig: Rig, page: str) -> None:
    """No script, style, picture or font from elsewhere: it works without the Internet, and tells nobody of its reader."""
    found = WEB.get(rig.server.url + page).raise_for_status()
    assert found.headers["content-type"].startswith("text/html")
    for address in FETCHED.findall(found.text):
        assert not re.match(r"(?:[a-z]+:)?//", address), f"{page} fetches {address}"
        if not address.startswith(("#", "data:")):
            WEB.get(rig.server.url + address).raise_for_status()
