"""Files that settings stand in: `.env`, and one for each secret, as Docker and Kubernetes hand them over. Called by `settings`.

In: paths. Out: names and values as text; what is wrong is added to the caller's list of problems, one line each.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream


def read_env_file(env_file: Path | None, problems: list[str]) -> dict[str, str]:
    """Names and values of the file as they stand: `$` is not expanded, because passwords may hold one."""
    if env_file is None or not env_file.exists():
        return {}
    found: dict[str, str] = {}
    try:
        with env_file.open(encoding="utf-8") as stream:
            for binding in parse_stream(stream):
                if binding.error:
                    problems.append(f"{env_file.name}, line {binding.original.line}: not of the form NAME=value")
                elif binding.key is not None:
                    found[binding.key] = binding.value or ""
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{env_file.name}: cannot be read ({type(error).__name__})")
    return found


def read_files(given: Mapping[str, str], names: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    """Values that stand in files of their own. `names`: what names such a file -> what its content is the value of.

    No problem quotes a file's content.
    """
    found: dict[str, str] = {}
    for name, entry in names.items():
        path = given.get(name, "").strip()
        if not path:
            continue
        if given.get(entry, "").strip():
            problems.append(f"{name}: {entry} is given, too; one of them is enough")
        try:
            found[entry] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{name}: cannot be read ({type(error).__name__})")
        else:
            if not found[entry]:
                problems.append(f"{name}: the file is empty")
    return found
