"""How long files and functions are, in lines, read from the source. Used by tests/test_sizes.py."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Length:
    """`name` is a file's path, or `path::function` (dotted where it is nested), with its length in lines."""

    name: str
    lines: int


def file_length(path: Path, shown: str) -> Length:
    return Length(shown, len(path.read_text(encoding="utf-8").splitlines()))


def function_lengths(path: Path, shown: str) -> list[Length]:
    """Every function and method, from its `def` (decorators not counted) to its last line, inner functions included."""
    return _below(ast.parse(path.read_text(encoding="utf-8"), str(path)), f"{shown}::")


def _below(node: ast.AST, prefix: str) -> list[Length]:
    found: list[Length] = []
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found += _below(child, prefix)
            continue
        if not isinstance(child, ast.ClassDef):
            found.append(Length(prefix + child.name, (child.end_lineno or child.lineno) - child.lineno + 1))
        found += _below(child, f"{prefix}{child.name}.")
    return found
