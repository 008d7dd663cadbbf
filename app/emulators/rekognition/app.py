"""The emulated Amazon Rekognition as an ASGI application.

POST /                     the service (X-Amz-Target: RekognitionService.*)
GET, HEAD /BUCKET/KEY      S3, from the folder of buckets
/_emulator/*               control, see `app.emulators.control`
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route

from app.detectors.contract import Detector
from app.emulators.attending import Attendant
from app.emulators.buckets import Buckets
from app.emulators.control import control_routes
from app.emulators.counters import Counters
from app.emulators.looking import Viewer
from app.emulators.options import EmulatorOptions
from app.emulators.record import Recorder
from app.emulators.rekognition.s3 import Storage
from app.emulators.rekognition.service import Service
from app.emulators.script import Script, behaviour_of


def build_app(eyes: Detector, options: EmulatorOptions, *, faces: Detector | None = None) -> Starlette:
    """The service that looks through `eyes`, and through `faces` (default: the same) for everything about faces."""
    pool = ThreadPoolExecutor(options.pool_size, thread_name_prefix="emulator eyes")
    counters, script, buckets = Counters(), Script(behaviour_of(options), options.seed), Buckets(options.buckets)
    service = Service(
        viewer=Viewer(eyes, eyes if faces is None else faces, script),
        attendant=Attendant(counters, script, pool),
        buckets=buckets,
        recorder=None if options.record is None else Recorder(options.record),
        secret=options.secret,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        pool.shutdown(wait=False, cancel_futures=True)

    routes = [*control_routes(counters, script), Route("/", service.answer, methods=["POST"]), *Storage(buckets).routes()]
    return Starlette(routes=routes, lifespan=lifespan)
