"""What an emulator can be told to do wrong: one fault, on its own, with its words for the command line and the control API.

In: text or JSON. Out: `Fault`. Which fault strikes which call is decided in `script`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

STALL_S = 10.0
"""Length of a stall where none is given: longer than any answer, shorter than a client's read time-out (60 s)."""


class FaultKind(StrEnum):
    """What goes wrong with a call. Only the last five kinds are paid for: there the image was looked at."""

    THROTTLE = "throttle"  # refused as too fast
    ERROR500 = "error500"  # internal error
    CLOSE = "close"  # connection dropped without a word, before the image was looked at
    REFUSE = "refuse"  # refused as a bad image, whatever the image
    STALL = "stall"  # answered, but `seconds` late
    GARBAGE = "garbage"  # status 200 and a body that is no answer
    TRUNCATED = "truncated"  # half of the answer, then the connection ends
    OUTSIDE_BOXES = "outside_boxes"  # the answer also has boxes that lie wholly outside the image
    MANY_BOXES = "many_boxes"  # the answer also has so many tiny boxes that every cap is reached


@dataclass(frozen=True, slots=True)
class Fault:
    """Strikes calls of `operation` (None: all), the next `times` or a random `share` of them; with neither, every one."""

    kind: FaultKind
    operation: str | None = None
    times: int | None = None
    share: float | None = None
    seconds: float = STALL_S

    def __post_init__(self) -> None:
        if self.times is not None and self.share is not None:
            raise ValueError("a fault has `times` or `share`, not both")
        if self.times is not None and self.times < 1:
            raise ValueError(f"`times` is at least 1, not {self.times}")
        if self.share is not None and not 0.0 <= self.share <= 1.0:
            raise ValueError(f"`share` is a ratio, not {self.share}")
        if self.seconds < 0:
            raise ValueError(f"`seconds` cannot be {self.seconds}")


def fault_from_text(text: str) -> Fault:
    """`kind=stall,times=2,seconds=5,operation=DetectLabels`. Raises ValueError."""
    pairs = [part.partition("=") for part in text.split(",")]
    return fault_from_json({name.strip(): value.strip() for name, _, value in pairs})


def fault_from_json(value: object) -> Fault:
    """An object with the fields of `Fault`; numbers may come as text. Raises ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError("a fault is an object")
    unknown = set(value) - {"kind", "operation", "times", "share", "seconds"}
    if unknown or "kind" not in value:
        raise ValueError(
            f"a fault has a `kind`, and perhaps operation, times, share, seconds; not {', '.join(map(str, unknown))}"
        )
    times, share = value.get("times"), value.get("share")
    try:
        return Fault(
            FaultKind(value["kind"]),
            None if value.get("operation") is None else str(value["operation"]),
            None if times is None else int(times),
            None if share is None else float(share),
            float(value.get("seconds", STALL_S)),
        )
    except TypeError as error:
        raise ValueError(f"not a number: {error}") from error


def fault_as_json(fault: Fault) -> dict[str, object]:
    """The way back of `fault_from_json`."""
    return {
        "kind": fault.kind.value,
        "operation": fault.operation,
        "times": fault.times,
        "share": fault.share,
        "seconds": fault.seconds,
    }
