"""What happens when our modules are imported: run as a program of its own, it prints one line for each effect it saw.

    python tests/support/import_probe.py PACKAGE_FOLDER

Effects are sockets, threads, processes, files written and environment variables read while a module of the package in
PACKAGE_FOLDER is at its top level. What a library does while it is itself imported (urllib3 tries IPv6, for one) is not ours.
Used by tests/test_house.py.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

WATCHED = frozenset({"socket.__new__", "socket.connect", "socket.bind", "subprocess.Popen", "os.fork", "os.posix_spawn"})
WRITING = ("w", "a", "x", "+")


class Probe:
    """Collects effects that happen at the top level of a module below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder.resolve()) + os.sep
        self.effects: list[str] = []

    def is_ours(self, frame: FrameType) -> bool:
        return frame.f_code.co_filename.startswith(self._folder)

    def saw(self, effect: str) -> None:
        """Keep the effect if the module that is being imported at this moment is one of ours."""
        module = next((frame for frame in _frames(sys._getframe(1)) if frame.f_code.co_name == "<module>"), None)
        if module is not None and self.is_ours(module):
            self.effects.append(f"{module.f_code.co_filename}:{module.f_lineno}: {effect}")

    def audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in WATCHED:
            self.saw(event)
        elif event == "open" and isinstance(arguments[1], str) and any(letter in arguments[1] for letter in WRITING):
            self.saw(f"writes {arguments[0]!r}")


class WatchedEnvironment(os._Environ[str]):
    """The environment, telling the probe who reads it."""

    probe: Probe

    def __getitem__(self, key: str) -> str:
        # a library's own switches (pydantic looks for one whenever a model is made) are its business
        reader = next(frame for frame in _frames(sys._getframe(1)) if not frame.f_code.co_filename.startswith("<frozen"))
        if self.probe.is_ours(reader):
            self.probe.saw(f"reads the environment variable {key}")
        return super().__getitem__(key)


class WatchedThread(threading.Thread):
    """A thread, telling the probe who starts it."""

    probe: Probe

    def start(self) -> None:
        self.probe.saw(f"starts the thread {self.name}")
        super().start()


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def watch(folder: Path) -> Probe:
    probe = Probe(folder)
    WatchedEnvironment.probe = WatchedThread.probe = probe
    os.environ.__class__ = WatchedEnvironment
    threading.Thread = WatchedThread  # type: ignore[misc]  # this process exists to watch, and ends right after
    sys.addaudithook(probe.audit)
    return probe


def module_names(folder: Path) -> list[str]:
    """Every module of the package, but for `__main__` modules: importing those runs them."""
    relative = [path.relative_to(folder.parent).with_suffix("") for path in sorted(folder.rglob("*.py"))]
    return [".".join(path.parts).removesuffix(".__init__") for path in relative if path.name != "__main__"]


def main(folder: Path) -> None:
    sys.path.insert(0, str(folder.resolve().parent))
    probe = watch(folder)
    for name in module_names(folder.resolve()):
        importlib.import_module(name)
    for effect in probe.effects:
        print(effect)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
