"""Structured logs: one JSON object per line on standard error (or readable lines for a person), ours and the libraries' alike.

In: the format and the lowest level, from the settings; `main` calls `configure` once. Out: `get_logger` for every module and
`bound` for ids that all lines of a request or a sheet carry. Every line has event, level, logger and timestamp.

Two things never reach a line: image data and secrets. Bytes are replaced by their length, long text is cut, values under
names such as `authorization` are blanked, and passwords in addresses too. Libraries are kept at `warning`, whatever our own
level: at `debug` the AWS and HTTP libraries would write whole bodies and signatures.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import PurePath
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

OURS = "app"
LIBRARY_LEVEL = logging.WARNING
# uvicorn says at `info` where it listens and why it stops; its access log repeats ours.
UVICORN = "uvicorn"
UVICORN_ACCESS = "uvicorn.access"

SECRET_NAME = re.compile(
    r"authorization|api[-_]?key|access[-_]?key|secret|passw(or)?d|token|credential|cookie|signature", re.IGNORECASE
)
URL_USER = re.compile(r"://[^\s@]*@")  # user and password of an address
REDACTED = "[redacted]"
# What a reader's eye looks for first on every line.
FIRST = ("timestamp", "level", "event", "request_id", "sheet_id")
BROKEN_OFF = "ASGI callable returned without completing response."  # as uvicorn says it
# Longest text in a line, characters: enough for any message of ours, far below an image in base64.
LONGEST_TEXT = 1_000
# A stack trace is the one long text that is worth it.
LONGEST_TRACE = 20_000
# Deepest nesting that is followed; below it only the type is told, so that no structure can fill the log.
DEEPEST = 4


def configure(format: str, level: str, stream: TextIO | None = None) -> None:
    """Send everything to `stream` (standard error if none) in `format` ("json" or "console"). May be called again."""
    out = sys.stderr if stream is None else stream
    shared = _shared_processors()
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    last = _last_processors(format, out)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    logging.getLogger().handlers = [handler]
    _set_levels(logging.getLevelNamesMapping()[level.upper()])


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for module `name`. Cheap and without effect until something is logged."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def bound(**ids: str) -> AbstractContextManager[None]:
    """While inside, every line of this task and the tasks it starts carries these ids (`request_id`, `sheet_id`)."""
    return structlog.contextvars.bound_contextvars(**ids)


def _shared_processors() -> list[Processor]:
    """What every line goes through, whoever wrote it. Scrubbing is last: it must see what the others add."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        scrub,
    ]


def _last_processors(format: str, out: TextIO) -> list[Processor]:
    renderer: Processor
    if format == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=out.isatty())
    else:
        renderer = structlog.processors.JSONRenderer()
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]


def _set_levels(level: int) -> None:
    """Ours at the chosen level, libraries at `warning` or above; uvicorn's own handlers go, so that all lines take one way."""
    logging.getLogger().setLevel(max(level, LIBRARY_LEVEL))
    logging.getLogger(OURS).setLevel(level)
    for name in (UVICORN, UVICORN_ACCESS, f"{UVICORN}.error"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    logging.getLogger(f"{UVICORN}.error").filters = [_is_news]
    logging.getLogger(UVICORN).setLevel(max(level, logging.INFO))
    logging.getLogger(UVICORN_ACCESS).setLevel(max(level, LIBRARY_LEVEL))


def _is_news(record: logging.LogRecord) -> bool:
    """Whether nobody has said it yet: an answer that breaks off is told where it happens, and why."""
    return record.msg != BROKEN_OFF


def scrub(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The processor that keeps image data and secrets out; see the module's docstring."""
    clean: EventDict = {}
    ordered = {**{name: event[name] for name in FIRST if name in event}, **event}
    for name, value in ordered.items():
        if name.startswith("_"):  # structlog's own bookkeeping, removed before rendering
            clean[name] = value
        elif name == "exception":
            clean[name] = _text(str(value), LONGEST_TRACE)
        else:
            clean[name] = _clean(name, value, DEEPEST)
    return clean


def _clean(name: str, value: Any, depth: int) -> Any:
    if SECRET_NAME.search(name):
        return REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, str | PurePath | BaseException):
        return _text(str(value), LONGEST_TEXT)
    if depth and isinstance(value, Mapping):
        return {str(key): _clean(str(key), item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item, depth - 1) for item in value]
    return f"<{type(value).__name__}>"


def _text(value: str, longest: int) -> str:
    short = value if len(value) <= longest else f"{value[:longest]}... ({len(value)} characters)"
    return URL_USER.sub(f"://{REDACTED}@", short)
