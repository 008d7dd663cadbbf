"""The import directions as data, and the check that the code keeps to them.

Arrows point towards `core`; implementations of one contract never meet; only the composition root knows who is who. To allow
a new direction, change a row here, with a reason that a reviewer can judge.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from tests.support.import_graph import Import, imports_of

REPOSITORY = Path(__file__).parents[1]
PACKAGE = "app"

# The composition root: may import everything, and nobody imports it.
ROOTS = (
    "main",
    "cli",
    "assembly",
    "dial",
    "calibrate",
    "embedded",
    "vitals",
    "providers.build",
    "emulators.serve",
    "bench.stage",
)

CONTRACTS = ("accumulator.contract", "providers.contract", "wire.contract", "detectors.contract")

# Place -> places it may import from, besides itself. A place is a module or a package with all that is below it; the longest
# matching row counts.
MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    "core": ("errors",),
    "errors": (),
    "clock": (),
    "settings": ("settings_files", "redis_address"),
    "settings_files": (),
    "redis_address": (),
    "log": (),
    "figures": (),
    "metrics": ("figures", "core", "errors"),  # label values come from the closed sets in core.model and errors
    "imaging": ("core", "errors"),
    "wire": ("core", "errors"),
    "accumulator": ("core", "errors", "clock", "log", "redis_address"),
    "accumulator.contract": ("core", "errors"),
    "providers": ("core", "imaging", "errors", "clock", "log"),
    "providers.contract": ("core", "errors"),
    "providers.calling": ("core", "errors", "clock", "log", "metrics"),
    "providers.turns": ("core", "clock"),
    "providers.local": ("core", "imaging", "errors", "clock", "detectors"),
    "detectors": ("core", "errors"),
    "emulators": ("core.geometry", "detectors"),  # never wire: a mistake must not sit at both ends
    "work": ("core", "errors", "clock", "metrics", "log", "imaging", *CONTRACTS, "providers.calling"),
    "ledger": ("metrics",),
    "clients_file": ("core", "log"),
    "quotas": ("core", "errors", "clock", "log", "accumulator.contract"),
    "admission": ("core", "errors", "clock", "imaging", *CONTRACTS, "work.pixels"),
    "allocator": (),
    "fares": ("core",),
    "gathering": ("core", "errors", "clock", "log", "accumulator.contract", "fares"),
    "joining": ("core", "errors", "clock", "log", "accumulator.contract", "fares"),
    "pipeline": (
        "admission",
        "fares",
        "gathering",
        "joining",
        *("core", "errors", "clock", "metrics", "log", "imaging", *CONTRACTS, "providers.calling"),
        "providers.latency",  # what a provider takes at present decides when an image must leave
        "work.alone",  # the way of an image that travels alone is the same in front and behind
        "work.pixels",
        "work.choosing",  # which tier an image gets is known before it is gathered
        "work.grouping",  # so is how large a group it may join
        "work.escalating",  # an answer of a grid is improved where the image and the time are known
        "work.shadow",  # compares answers behind the clients' backs, where image and answer are both at hand
    ),
    "server": ("core", "wire", "pipeline", "fares", "errors", "clock", "metrics", "log", "providers.contract"),
    "calibration": (  # measures through the code that serves
        *("core", "errors", "imaging", "clock", "arguments"),
        "work.detect",
        "work.groups",
        "work.sheets",
    ),
    "demo": ("core", "errors", "clock", "detectors.markers", "arguments"),
    "arguments": (),
    "bench": ("core", "arguments", "detectors.markers", "emulators.meanings", "demo.painting"),
    "simulation": (
        "core",
        "gathering",
        "pipeline",
        "providers.latency",
        "arguments",
    ),  # the front half's own times and limits, so that both agree
}

# Implementations behind one contract never meet. Port -> its implementations, each with its children of the port's package;
# a child that is not listed is shared: all may import it, and it imports none of them.
IMPLEMENTATIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "accumulator": {
        "memory": ("memory", "memory_quota", "memory_flights"),
        "redis": (
            "redis",
            "redis_flights",
            "redis_prevalence",
            "redis_quota",
            "intake",
            "workshop",
            "claiming",
            "replies",
            "shards",
            "scripts",
            "links",
            "finding",
            "keys",
            "codec",
        ),
    },
    "providers": {name: (name,) for name in ("rekognition", "google", "azure", "local")},
    "wire": {name: (name,) for name in ("native", "rekognition", "google", "azure")},
    "emulators": {name: (name,) for name in ("rekognition", "google", "azure")},
}

# A foreign library has one home: its types and exceptions stop there. A library that is not listed has no home yet.
HOMES: Mapping[str, tuple[str, ...]] = {
    "azure": ("providers.azure.client",),
    "boto3": ("providers", "demo"),
    "botocore": ("providers", "demo"),
    "cv2": ("detectors",),
    "dotenv": ("settings_files",),
    "fastapi": ("server",),
    "fastapi_offline": ("server",),
    "google": ("emulators.google", "providers.google", "wire.google", "providers.gcs"),
    "grpc": ("emulators.google", "providers.google.channels", "server.grpc"),
    "httpcore": ("providers.fetching", "providers.links"),
    "httptools": ("server.parsing",),
    "httpx": ("providers", "demo"),
    "matplotlib": ("calibration.report.scatter",),
    "numpy": ("core", "imaging", "detectors", "emulators", "demo", "work.scout", "calibration", "bench.pictures"),
    "onnxruntime": ("detectors.onnx",),
    "orjson": (
        *("wire", "providers", "server", "accumulator.codec", "emulators", "demo", "log"),
        *("dial", "calibrate", "calibration"),
    ),
    "sklearn": ("calibration.fitting",),
    "PIL": ("imaging", "detectors", "emulators", "demo", "calibration.examples", "bench.pictures"),
    "prometheus_client": ("metrics", "figures"),
    "pybase64": ("wire", "providers", "emulators", "demo"),
    "pycocotools": ("calibration.library",),
    "pydantic": ("wire", "settings"),
    "pydantic_settings": ("settings",),
    "python_multipart": ("server", "wire.multipart"),
    "redis": ("accumulator.links", "accumulator.finding"),
    "starlette": ("server", "emulators"),
    "structlog": ("log",),
    "torch": ("detectors.torch", "detectors.detr", "detectors.faster_rcnn"),
    "torchvision": ("detectors.faster_rcnn",),
    "transformers": ("detectors.detr",),
    "uvicorn": ("server", "emulators"),
    "uvloop": ("main", "emulators", "bench.stage"),
}

# The pure places take time, chance and surroundings as parameters, and do no I/O.
IMPURE = frozenset(
    {"asyncio", "logging", "os", "pathlib", "random", "secrets", "socket", "subprocess", "threading", "time", "uuid"}
)
PURE = ("core", "wire", "errors")


def is_in(module: str, place: str) -> bool:
    return module == place or module.startswith(f"{place}.")


def own_name(module: str) -> str | None:
    """`app.core.model` -> `core.model`; None for a module of somebody else's."""
    return module.removeprefix(PACKAGE).removeprefix(".") if is_in(module, PACKAGE) else None


def row_of(module: str) -> str | None:
    return max((place for place in MAY_IMPORT if is_in(module, place)), key=len, default=None)


def objection(found: Import) -> str | None:
    """Why this import is not allowed, or None."""
    importer, target = own_name(found.importer), own_name(found.target)
    if importer is None:
        raise ValueError(f"not a module of {PACKAGE}: {found.importer}")
    return foreign_objection(importer, found.target) if target is None else own_objection(importer, target)


def own_objection(importer: str, target: str) -> str | None:
    if not importer or not target or any(is_in(importer, root) for root in ROOTS):
        return None  # `app` itself holds the version and nothing else
    place = row_of(importer)
    if place is None:
        return "the importer has no row in MAY_IMPORT"
    if meets_sibling(importer, target):
        return "implementations of one contract never meet"
    if is_in(target, place) or any(is_in(target, allowed) for allowed in MAY_IMPORT[place]):
        return None
    port = importer.split(".")[0]
    if port in IMPLEMENTATIONS and is_in(target, port):
        return None  # a narrower row of a port (`providers.calling`) still shares the port's own parts
    return f"{place} may import only: {', '.join(MAY_IMPORT[place]) or 'nothing'}"


def meets_sibling(importer: str, target: str) -> bool:
    """The target is part of an implementation, and the importer, in the same port, is not part of the same one."""
    (port, _, inner), (other_port, _, other_inner) = importer.partition("."), target.partition(".")
    if port != other_port or not other_inner:
        return False
    wanted = implementation_of(port, other_inner)
    return wanted is not None and wanted != implementation_of(port, inner)


def implementation_of(port: str, inner: str) -> str | None:
    child = inner.split(".")[0]
    return next((name for name, children in IMPLEMENTATIONS.get(port, {}).items() if child in children), None)


def foreign_objection(importer: str, target: str) -> str | None:
    library = target.split(".")[0]
    if library in sys.stdlib_module_names:
        impure = library in IMPURE and any(is_in(importer, place) for place in PURE)
        return "pure code does no I/O: time, chance and surroundings are parameters" if impure else None
    homes = HOMES.get(library)
    if homes is None:
        return f"{library} has no home in HOMES"
    if any(is_in(importer, home) for home in homes):
        return None
    return f"{library} has its home in: {', '.join(homes)}"


def objections(imports: Iterable[Import]) -> list[str]:
    return [f"{found}\n    {reason}" for found in imports if (reason := objection(found))]


def test_every_import_follows_the_table() -> None:
    imports = imports_of(REPOSITORY, PACKAGE)
    assert imports
    found = objections(imports)
    assert not found, f"{len(found)} imports are not allowed:\n" + "\n".join(found)


def test_every_row_speaks_of_places_that_may_exist() -> None:
    """A misspelt place would silently allow or forbid nothing."""
    tops = {path.stem for path in (REPOSITORY / PACKAGE).iterdir() if path.suffix == ".py" or path.is_dir()}
    named = [
        *MAY_IMPORT,
        *(place for row in MAY_IMPORT.values() for place in row),
        *(home for row in HOMES.values() for home in row),
    ]
    assert [place for place in named if place.split(".")[0] not in tops] == []


@pytest.mark.parametrize(
    ("importer", "target", "allowed"),
    [
        ("app.core.layout", "app.core.model", True),
        ("app.core.layout", "app.imaging.compose", False),
        ("app.core.layout", "math", True),
        ("app.core.layout", "time", False),
        ("app.wire.rekognition.labels", "app.wire.rekognition.findings", True),
        ("app.wire.rekognition.labels", "app.wire.contract", True),
        ("app.wire.rekognition.labels", "app.wire.native", False),
        ("app.emulators.rekognition", "app.wire.rekognition", False),
        ("app.emulators.rekognition", "app.emulators.options", True),
        ("app.emulators.google", "app.emulators.rekognition", False),
        ("app.emulators.google.messages", "google.protobuf", True),
        ("app.emulators.rekognition", "grpc", False),
        ("app.accumulator.memory", "app.accumulator.redis", False),
        ("app.accumulator.memory", "app.accumulator.keys", False),
        ("app.accumulator.redis", "app.accumulator.keys", True),
        ("app.accumulator.memory", "app.accumulator.waiters", True),
        ("app.accumulator.waiters", "app.accumulator.redis", False),
        ("app.accumulator.links", "redis.asyncio", True),
        ("app.accumulator.memory", "redis.asyncio", False),
        ("app.providers.calling", "app.providers.contract", True),
        ("app.providers.rekognition.parse", "app.providers.google", False),
        ("app.work.detect", "app.providers.calling", True),
        ("app.work.detect", "app.providers.rekognition", False),
        ("app.pipeline", "app.settings", False),
        ("app.pipeline", "app.main", False),
        ("app.server.http", "app", True),
        ("app.cli", "app.main", True),
        ("app.main", "app.accumulator.redis", True),
        ("app.server.http", "fastapi.responses", True),
        ("app.pipeline", "fastapi", False),
        ("app.server.http", "leftpad", False),
        ("app.unheard_of", "app.core.model", False),
    ],
)
def test_the_table_allows_and_refuses(importer: str, target: str, allowed: bool) -> None:
    assert (objection(Import(Path("x.py"), 1, importer, target)) is None) == allowed


SPOTTED_IN_SOURCE = """
from __future__ import annotations
import json, os.path
from typing import TYPE_CHECKING
from . import sibling
from ..other import thing
from app import settings
if TYPE_CHECKING:
    from app.main import run
def late() -> None:
    import redis.asyncio
"""


def test_imports_are_found_wherever_they_stand(tmp_path: Path) -> None:
    """Relative, late and type-only imports count; a module taken from its package is named in full."""
    for name in ("app/__init__.py", "app/settings.py", "app/other.py", "app/port/__init__.py", "app/port/sibling.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "app/port/here.py").write_text(SPOTTED_IN_SOURCE)
    found = {(spotted.importer, spotted.target) for spotted in imports_of(tmp_path, "app")}
    targets = [
        "__future__",
        "json",
        "os.path",
        "typing",
        "app.port.sibling",
        "app.other",
        "app.settings",
        "app.main",
        "redis.asyncio",
    ]
    assert found == {("app.port.here", target) for target in targets}
