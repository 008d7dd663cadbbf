"""Who imports what, read from the source without running it.

In: a folder that holds a package. Out: one `Import` per imported module, imports inside functions and under `TYPE_CHECKING`
included: a type that crosses a border is a dependency, too. Used by tests/test_imports.py.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Import:
    """`importer` imports `target` (both dotted, the package's own name included) in line `line` of `path`."""

    path: Path
    line: int
    importer: str
    target: str

    def __str__(self) -> str:
        return f"{self.path.as_posix()}:{self.line}: {self.importer} imports {self.target}"


def imports_of(folder: Path, package: str) -> list[Import]:
    """All imports of all modules of `package`, which lies in `folder`; paths are relative to `folder`."""
    files = sorted((folder / package).rglob("*.py"))
    modules = {_module_name(path.relative_to(folder)) for path in files}
    return [found for path in files for found in _imports_in(path, path.relative_to(folder), modules)]


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports_in(path: Path, shown: Path, modules: set[str]) -> Iterator[Import]:
    importer = _module_name(shown)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(shown, node.lineno, importer, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, importer, is_package=shown.name == "__init__.py")
            names = {f"{base}.{alias.name}" for alias in node.names}
            # `from app import settings` names a module; `from app.settings import Settings` a thing inside one
            for target in sorted(names & modules or {base}):
                yield Import(shown, node.lineno, importer, target)


def _absolute(node: ast.ImportFrom, importer: str, *, is_package: bool) -> str:
    """The module that a `from` names: each dot beyond the first goes one package up."""
    if not node.level:
        return node.module or ""
    parts = importer.split(".")
    up = node.level - 1 if is_package else node.level
    return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])
