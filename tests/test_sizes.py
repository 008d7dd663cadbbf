"""Small pieces: no function over 60 lines, no file over 500. An exception is listed with its size, and may only shrink."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.support.sizes import Length, file_length, function_lengths

REPOSITORY = Path(__file__).parents[1]

# A function is read in one look (the aim is 25 lines), a file in one sitting (the aim is 250); these are the hard stops.
FUNCTION_LIMIT_LINES = 60
FILE_LIMIT_LINES = 500

# "app/somewhere.py" or "app/somewhere.py::Class.method" -> its size today. Lower the number whenever it shrinks.
EXCEPTIONS: Mapping[str, int] = {}


def source_files() -> list[Path]:
    return sorted(path for folder in ("app", "tests") for path in (REPOSITORY / folder).rglob("*.py"))


def too_long(lengths: Iterable[Length], limit_lines: int, exceptions: Mapping[str, int]) -> list[str]:
    """One line for each length above its limit: the general one, or its own where it is an exception."""
    return [
        f"{length.name}: {length.lines} lines, at most {exceptions.get(length.name, limit_lines)}"
        for length in lengths
        if length.lines > exceptions.get(length.name, limit_lines)
    ]


def lengths_of(path: Path) -> list[Length]:
    shown = path.relative_to(REPOSITORY).as_posix()
    return [file_length(path, shown), *function_lengths(path, shown)]


def test_no_file_is_too_long() -> None:
    lengths = [length for path in source_files() for length in lengths_of(path) if "::" not in length.name]
    found = too_long(lengths, FILE_LIMIT_LINES, EXCEPTIONS)
    assert not found, "split these files:\n" + "\n".join(found)


def test_no_function_is_too_long() -> None:
    lengths = [length for path in source_files() for length in lengths_of(path) if "::" in length.name]
    found = too_long(lengths, FUNCTION_LIMIT_LINES, EXCEPTIONS)
    assert not found, "split these functions:\n" + "\n".join(found)


def test_every_exception_is_still_needed_and_no_larger_than_today() -> None:
    """An exception may only shrink: its number is today's size, and it goes when the limit is met."""
    today = {length.name: length.lines for path in source_files() for length in lengths_of(path)}
    limits = {name: FUNCTION_LIMIT_LINES if "::" in name else FILE_LIMIT_LINES for name in EXCEPTIONS}
    assert {name: lines for name, lines in EXCEPTIONS.items() if today.get(name) != lines or lines <= limits[name]} == {}


NESTED = """
@decorated
def outer():
    def inner():
        return 1
    return inner

class Box:
    async def close(self):
        if 1:
            pass
"""


def test_lengths_are_counted_from_def_to_last_line_and_inner_functions_count(tmp_path: Path) -> None:
    path = tmp_path / "piece.py"
    path.write_text(NESTED)
    assert function_lengths(path, "p") == [Length("p::outer", 4), Length("p::outer.inner", 2), Length("p::Box.close", 3)]
    assert file_length(path, "p") == Length("p", 11)


def test_an_exception_is_measured_by_its_own_number() -> None:
    lengths = [Length("a", 60), Length("b", 61), Length("c", 80), Length("d", 81)]
    assert too_long(lengths, 60, {"c": 80, "d": 80}) == ["b: 61 lines, at most 60", "d: 81 lines, at most 80"]
