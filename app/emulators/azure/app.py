"""The emulated Azure AI Vision as an ASGI application.

POST /computervision/imageanalysis:analyze        Image Analysis 4.0
POST /vision/v3.2/analyze, detect, tag, describe  Image Analysis 3.2
POST /vision/v3.2/ocr, read/analyze               text, at once and to be asked for
GET  /vision/v3.2/read/analyzeResults/ID          what was read
/_emulator/*                                      control, see `app.emulators.control`
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route

from app.detectors.contract import Detector
from app.emulators.attending import Attendant
from app.emulators.azure.service import Service
from app.emulators.buckets import Buckets
from app.emulators.control import control_routes
from app.emulators.counters import Counters
from app.emulators.looking import Viewer
from app.emulators.options import EmulatorOptions
from app.emulators.record import Recorder
from app.emulators.script import Script, behaviour_of

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Whatever is asked, the service answers in its own way."""


def build_app(eyes: Detector, options: EmulatorOptions, *, faces: Detector | None = None) -> Starlette:
    """The service that looks through `eyes`, and through `faces` (default: the same) for everything about faces."""
    pool = ThreadPoolExecutor(options.pool_size, thread_name_prefix="emulator eyes")
    counters, script = Counters(), Script(behaviour_of(options), options.seed)
    service = Service(
        viewer=Viewer(eyes, eyes if faces is None else faces, script),
        attendant=Attendant(counters, script, pool),
        buckets=Buckets(options.buckets),
        recorder=None if options.record is None else Recorder(options.record),
        secret=options.secret,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        pool.shutdown(wait=False, cancel_futures=True)

    routes = [*control_routes(counters, script), Route("/{path:path}", service.answer, methods=list(METHODS))]
    return Starlette(routes=routes, lifespan=lifespan)
