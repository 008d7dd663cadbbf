"""The vendor's own message types, from the google-cloud-vision package: the one place where bytes become messages and back.

Messages are protobuf's own: copying through the package's typed wrappers is slow. Reading JSON says what
is wrong with it in the vendor's words, as far as these are known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from app.errors import Kind, Problem
from app.wire.google.masks import Mask, mask_of, prune
from app.wire.google.query import Form

_BATCH_REQUEST: Any = image_annotator.BatchAnnotateImagesRequest.pb()
_IMAGE_ANSWER: Any = image_annotator.AnnotateImageResponse.pb()
_BATCH_ANSWER: Any = image_annotator.BatchAnnotateImagesResponse.pb()

_ROOT = "BatchAnnotateImagesRequest"
_UNKNOWN_NAME = re.compile(r'has no field named "(?P<name>[^"]{1,80})[^"]*" at "(?P<path>[^"]*)"')
_UNKNOWN_ENUM = re.compile(
    r"Invalid enum value (?P<value>.{1,80}?) for enum type (?P<kind>[\w.]+) at (?P<path>[\w.\[\]]+?)\.*$"
)
_MEMBERS_ON_THE_WAY = re.compile(r"Failed to parse (\w+) field: ")
_MOST_WORDS = 300

Tree = dict[str, Any]


def request_from_tree(tree: Mapping[str, Any]) -> Any:
    """A BatchAnnotateImagesRequest from its JSON. Raises Problem(MALFORMED_REQUEST)."""
    try:
        return json_format.ParseDict(dict(tree), _BATCH_REQUEST())
    except json_format.ParseError as error:
        raise Problem(Kind.MALFORMED_REQUEST, _vendors_words(str(error).partition("\n")[0])) from error
    except (RecursionError, ValueError, TypeError, AttributeError) as error:  # nesting, and types that the reader trips over
        raise Problem(Kind.MALFORMED_REQUEST, "Invalid JSON payload received.") from error


def request_from_bytes(data: bytes) -> Any:
    """A BatchAnnotateImagesRequest from a gRPC message. Raises Problem(MALFORMED_REQUEST)."""
    try:
        return _BATCH_REQUEST.FromString(data)
    except DecodeError as error:
        raise Problem(Kind.MALFORMED_REQUEST, "Failed to parse the request message.") from error


def tree_of(message: Any) -> Tree:
    """A message's JSON, enums by their names; what is not set is absent."""
    tree: Tree = json_format.MessageToDict(message)
    return tree


def image_answer(tree: Mapping[str, Any]) -> Any:
    """An AnnotateImageResponse from its JSON, without members that this version does not know. Raises PROVIDER_GARBLED."""
    try:
        return _IMAGE_ANSWER(**_arguments(tree, _members_of(_IMAGE_ANSWER.DESCRIPTOR)))
    except (AttributeError, TypeError, ValueError):  # numbers as text, words of a later version: the slow reader takes them
        pass
    try:
        return json_format.ParseDict(dict(tree), _IMAGE_ANSWER(), ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise Problem(Kind.PROVIDER_GARBLED, "the vendor's findings cannot be written") from error


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of a message: its own name, and the members of the messages in it, if these are what it holds."""

    name: str
    inner: Mapping[str, _Member] | None
    is_list: bool


@cache
def _members_of(descriptor: Any) -> Mapping[str, _Member]:
    """By their names in JSON. No message of this vendor's answers holds itself."""
    return {
        field.json_name: _Member(
            field.name, _members_of(field.message_type) if field.message_type is not None else None, field.is_repeated
        )
        for field in descriptor.fields
    }


def _arguments(tree: Mapping[str, Any], members: Mapping[str, _Member]) -> dict[str, Any]:
    """What a message's constructor takes: five times faster than the general reader, and long texts have 10,000 corners."""
    arguments: dict[str, Any] = {}
    for name, value in tree.items():
        member = members.get(name)
        if member is None:
            continue
        if member.inner is None:
            arguments[member.name] = value
        elif member.is_list:
            arguments[member.name] = [_arguments(item, member.inner) for item in value]
        else:
            arguments[member.name] = _arguments(value, member.inner)
    return arguments


def image_answer_from_bytes(data: bytes) -> Any:
    """The vendor's own AnnotateImageResponse. Raises Problem(PROVIDER_GARBLED)."""
    try:
        return _IMAGE_ANSWER.FromString(data)
    except DecodeError as error:
        raise Problem(Kind.PROVIDER_GARBLED, "the vendor's answer is no message") from error


def image_answers_from_tree(tree: Any) -> list[Any]:
    """The responses of a BatchAnnotateImagesResponse that came over REST. Raises Problem(PROVIDER_GARBLED)."""
    try:
        return list(json_format.ParseDict(tree, _BATCH_ANSWER(), ignore_unknown_fields=True).responses)
    except (json_format.ParseError, RecursionError, ValueError, TypeError, AttributeError) as error:
        raise Problem(Kind.PROVIDER_GARBLED, "the vendor's answer cannot be read") from error


def answer_mask(selector: str) -> Mask | None:
    """What a selector means in a BatchAnnotateImagesResponse. Raises Problem(INVALID_PARAMETER)."""
    return mask_of(selector, _BATCH_ANSWER.DESCRIPTOR) if selector.strip() else None


def written(answers: list[Any], form: Form) -> bytes:
    """A BatchAnnotateImagesResponse as the body of a reply."""
    batch = _BATCH_ANSWER(responses=answers)
    prune(batch, form.mask)
    if form.binary:
        data: bytes = batch.SerializeToString()
        return data
    text = json_format.MessageToJson(batch, use_integers_for_enums=form.enum_numbers, indent=form.indent, ensure_ascii=False)
    return text.encode()


def _vendors_words(said: str) -> str:
    """What is wrong with the JSON, as the vendor puts it where we know how."""
    unknown = _UNKNOWN_NAME.search(said)
    if unknown is not None:
        return f'Invalid JSON payload received. Unknown name "{unknown["name"]}"{_at(unknown["path"])}: Cannot find field.'
    enum = _UNKNOWN_ENUM.search(said)
    if enum is not None:
        return f'Invalid value{_at(enum["path"])} (type.googleapis.com/{enum["kind"]}), "{enum["value"]}"'
    way = ".".join(_MEMBERS_ON_THE_WAY.findall(said))
    return f"Invalid value at '{way}'." if way else f"Invalid JSON payload received. {said[:_MOST_WORDS]}"


def _at(path: str) -> str:
    inner = path.removeprefix(_ROOT).lstrip(".")
    return f" at '{inner}'" if inner else ""
