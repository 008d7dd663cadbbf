"""Logs: every line has its ids, and no line has an image or a secret in it."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from app.log import LONGEST_TEXT, bound, configure, get_logger, scrub

IMAGE = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40
LOGGERS = ("", "app", "uvicorn", "uvicorn.access", "uvicorn.error")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Logging is one per process: what a test configures is undone after it."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger, logger.level, logger.handlers, logger.propagate) for logger in loggers]
    yield
    for logger, level, handlers, propagate in before:
        logger.setLevel(level)
        logger.handlers, logger.propagate = handlers, propagate
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def configured(format: str = "json", level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure(format, level, stream)
    return stream


def test_a_line_is_json_with_event_level_logger_and_time() -> None:
    stream = configured()
    get_logger("app.work").info("sheet sent", images=2)
    (line,) = lines(stream)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "sheet sent", "level": "info", "logger": "app.work", "images": 2}


def test_ids_are_on_every_line_inside_and_on_none_outside() -> None:
    stream = configured()
    with bound(request_id="r1"), bound(sheet_id="s1"):
        get_logger("app").info("inside")
    get_logger("app").info("outside")
    inside, outside = lines(stream)
    assert (inside["request_id"], inside["sheet_id"]) == ("r1", "s1")
    assert "request_id" not in outside


@pytest.mark.parametrize(
    ("level", "logger", "at", "logged"),
    [
        ("info", "app.x", logging.INFO, True),
        ("info", "app.x", logging.DEBUG, False),
        ("debug", "app.x", logging.DEBUG, True),
        ("debug", "botocore.auth", logging.DEBUG, False),
        ("debug", "httpx", logging.INFO, False),
        ("info", "botocore", logging.WARNING, True),
        ("error", "botocore", logging.WARNING, False),
        ("info", "uvicorn.error", logging.INFO, True),
        ("info", "uvicorn.access", logging.INFO, False),
        ("warning", "uvicorn.error", logging.INFO, False),
    ],
)
def test_libraries_are_kept_quiet_whatever_our_own_level(level: str, logger: str, at: int, logged: bool) -> None:
    stream = configured(level=level)
    logging.getLogger(logger).log(at, "said")
    assert [line["event"] for line in lines(stream)] == (["said"] if logged else [])


def test_uvicorns_own_handlers_are_replaced_by_ours() -> None:
    own = io.StringIO()
    logging.getLogger("uvicorn").handlers = [logging.StreamHandler(own)]
    stream = configured()
    logging.getLogger("uvicorn.error").warning("slow")
    assert own.getvalue() == ""
    assert lines(stream)[0]["logger"] == "uvicorn.error"


def test_a_library_line_is_scrubbed_like_ours() -> None:
    stream = configured()
    logging.getLogger("redis").warning("cannot reach %s", "redis://me:hunter2@redis")
    assert lines(stream)[0]["event"] == "cannot reach redis://[redacted]@redis"


def test_an_exception_is_logged_with_its_trace_and_without_passwords() -> None:
    stream = configured()
    try:
        raise ValueError("no route to redis://:hunter2@redis")
    except ValueError:
        get_logger("app").error("failed", exc_info=True)
    assert "ValueError: no route to redis://[redacted]@redis" in lines(stream)[0]["exception"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        ("", ""),
        ("plain", "plain"),
        (IMAGE, f"<{len(IMAGE)} bytes>"),
        (bytearray(IMAGE), f"<{len(IMAGE)} bytes>"),
        (memoryview(IMAGE), f"<{len(IMAGE)} bytes>"),
        ([IMAGE, 1], [f"<{len(IMAGE)} bytes>", 1]),
        ({"body": IMAGE, "Authorization": "AWS4 x"}, {"body": f"<{len(IMAGE)} bytes>", "Authorization": "[redacted]"}),
        ({"a": {"b": {"c": {"d": {}}}}}, {"a": {"b": {"c": {"d": "<dict>"}}}}),
        (Path("demo-out"), "demo-out"),
        (ValueError("why"), "why"),
        (object(), "<object>"),
        ("http://a:b@c/d", "http://[redacted]@c/d"),
    ],
)
def test_values_are_shown_without_image_data(value: object, shown: object) -> None:
    assert scrub(None, "info", {"event": "x", "value": value}) == {"event": "x", "value": shown}


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "X-Api-Key",
        "api_key",
        "apikey",
        "secret",
        "aws_secret_access_key",
        "password",
        "passwd",
        "x-amz-security-token",
        "cookie",
    ],
)
def test_values_under_secret_names_are_blanked(name: str) -> None:
    assert scrub(None, "info", {"event": "x", name: "hunter2"})[name] == "[redacted]"


def test_an_image_as_base64_text_is_cut_to_next_to_nothing() -> None:
    text = base64.b64encode(IMAGE).decode()
    shown = scrub(None, "info", {"event": text})["event"]
    assert len(shown) < LONGEST_TEXT + 50 < len(text)
    assert shown.endswith(f"({len(text)} characters)")


def test_structlogs_own_fields_pass_untouched() -> None:
    record = object()
    assert scrub(None, "info", {"event": "x", "_record": record})["_record"] is record


def test_people_get_readable_lines_without_colour_codes_in_a_file() -> None:
    stream = configured("console")
    get_logger("app").info("sheet sent", images=2)
    assert "sheet sent" in stream.getvalue()
    assert "images=2" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_without_a_stream_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "info")
    get_logger("app").info("here")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "here"
