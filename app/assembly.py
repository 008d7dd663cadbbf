"""Builds every part from the settings and passes them to each other. Only `app.main` calls it; nothing else knows who is who.

role    | front door, pipeline | accumulator     | worker
all     | yes                  | memory or Redis | yes
api     | yes                  | Redis           | no
worker  | no                   | Redis           | yes
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import socket
import uuid
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from app import __version__
from app.accumulator.contract import Accumulator
from app.accumulator.memory import MemoryAccumulator
from app.accumulator.redis import RedisAccumulator
from app.clients_file import ClientsFile
from app.clock import Clock, SystemClock, WallClock
from app.core.accuracy import drops, table
from app.core.buckets import AllowedBuckets
from app.core.clients import Clients
from app.core.group_cost import halving_optimum
from app.core.layout import GridRules
from app.core.model import GridMode, Layout, Task
from app.core.moderation import Margins
from app.core.quota import Limits
from app.dial import Dial, build_dial, described, known_margins
from app.embedded import start_emulator
from app.errors import Problem
from app.joining import Joiner, JoinTimes
from app.ledger import Ledger
from app.log import get_logger
from app.metrics import Metrics, new_registry
from app.metrics.labels import ENDPOINTS
from app.pipeline import Pipeline, Policy
from app.providers.build import ProviderOptions, build_provider
from app.providers.calling import LEASE_S, Caller
from app.providers.contract import Upstream
from app.providers.gcs import CloudStorage, GoogleToken
from app.providers.links import AllowedHosts, Links
from app.providers.objects import S3Store
from app.quotas import Quotas
from app.server.desk import Desk, DeskRules
from app.server.retries import RetryJoiner
from app.settings import LOCAL_PROVIDERS, Settings
from app.vitals import ProcessVitals
from app.wire.azure import AzureDialects, AzureOptions, OwnProvider, azure_dialects
from app.wire.google import GoogleDialect, GoogleOptions
from app.wire.native import NativeDialect
from app.wire.rekognition import RekognitionDialect, RekognitionOptions
from app.work.detect import DetectWork
from app.work.grouping import Groups
from app.work.moderate import ModerateWork
from app.work.pixels import PixelPool, usable_cores
from app.work.prevalence import Prevalences
from app.work.shadow import Shadow, Watch
from app.work.sheets import SheetMaker
from app.work.tasks import ByTask
from app.work.worker import Worker

# Connections for requests that are passed through, beside those for sheets and single images.
FORWARD_CONNECTIONS = 64
# Share of unsafe images at which asking groups is compared with what Google gives away beside labels: a guess that a dialect
# makes before anything is known. What groups really cost follows the live estimate.
USUAL_PREVALENCE = 0.05

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What `app.main` runs."""

    native: NativeDialect
    rekognition: RekognitionDialect
    azure: AzureDialects
    google: GoogleDialect
    accumulator: Accumulator
    metrics: Metrics
    vitals: ProcessVitals
    desk: Desk | None
    pipeline: Pipeline | None
    worker: Worker | None


@dataclass(frozen=True, slots=True)
class _Tools:
    """What both halves of a process share."""

    clock: Clock
    provider: Upstream
    endpoint: str
    caller: Caller
    pixels: PixelPool
    ledger: Ledger
    drops: Mapping[Layout, float]
    dial: Dial | None


async def assemble(settings: Settings, stack: AsyncExitStack) -> Parts:
    """Build and start everything; what was started is taken down by `stack`, in reverse order."""
    clock = SystemClock()
    metrics = Metrics(new_registry(), version=__version__, provider=settings.provider, role=settings.role)
    clients = _clients(settings, metrics, stack)
    tools = await _tools(settings, clock, metrics, stack)
    accumulator = await _accumulator(settings, tools, stack)
    quotas = _quotas(settings, tools, clients, accumulator, stack)
    prevalences = Prevalences(accumulator.prevalence, clock)
    stack.push_async_callback(prevalences.close)
    pipeline = None
    if tools.dial is not None:
        pipeline = _pipeline(settings, tools, tools.dial, accumulator, prevalences, stack)
    worker = await _worker(settings, tools, accumulator, prevalences) if settings.role != "api" else None
    return Parts(
        native=NativeDialect(clients, behind=tools.provider.capabilities.vendor),
        rekognition=RekognitionDialect(_rekognition_options(settings, tools, clients)),
        azure=azure_dialects(_azure_options(settings, tools, clients)),
        google=GoogleDialect(_google_options(settings, tools, clients)),
        accumulator=accumulator,
        metrics=metrics,
        vitals=ProcessVitals(
            settings,
            metrics,
            accumulator,
            pipeline,
            worker,
            is_listening=_listening(accumulator),
            prevalence=prevalences.mean,
            accuracy=described(tools.dial.choice, settings.max_map_drop) if tools.dial else None,
            usage=quotas.usage,
        ),
        desk=_desk(settings, tools, pipeline, quotas, stack) if pipeline is not None else None,
        pipeline=pipeline,
        worker=worker,
    )


def _clients(settings: Settings, metrics: Metrics, stack: AsyncExitStack) -> Clients:
    """Read at the start, and again when the file changes, where there is a front door. Raises ClientsError, OSError."""
    default = Limits(
        settings.tenant_images_per_s,
        settings.tenant_burst,
        settings.tenant_dollars_per_month,
        settings.tenant_inferences_per_month,
    )
    file = ClientsFile(settings.clients, default, metrics)
    if settings.clients is not None and settings.role != "worker":
        watching = asyncio.create_task(file.watch(), name="clients file")
        stack.push_async_callback(_ended, watching)
    return file.clients


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def _quotas(settings: Settings, tools: _Tools, clients: Clients, accumulator: Accumulator, stack: AsyncExitStack) -> Quotas:
    quotas = Quotas(
        clients,
        accumulator.quotas,
        tools.ledger,
        tools.clock,
        WallClock(),
        request_timeout_s=settings.request_timeout_s,
        teller=uuid.uuid4().hex,
    )
    quotas.start()
    stack.push_async_callback(quotas.close)
    return quotas


def _rekognition_options(settings: Settings, tools: _Tools, clients: Clients) -> RekognitionOptions:
    return RekognitionOptions(
        settings.classify == "alone",
        AllowedBuckets(settings.s3_buckets),
        settings.grid_text,
        clients,
        before_aws=tools.provider.capabilities.vendor == "rekognition",
    )


def _google_options(settings: Settings, tools: _Tools, clients: Clients) -> GoogleOptions:
    """Prices only where the provider speaks this vendor's language: nothing can be split off for another one."""
    known = tools.provider.capabilities
    return GoogleOptions(
        prices=known.prices if known.vendor == "google" else None,
        sheet_share=_smallest_share(settings, tools),
        group_share=halving_optimum(USUAL_PREVALENCE, settings.moderate_group),
        buckets=AllowedBuckets(settings.gcs_buckets),
        offered=known.features,
        behind=known.vendor,
        clients=clients,
        classify=settings.classify,
    )


def _smallest_share(settings: Settings, tools: _Tools) -> float:
    """Of a sheet's price, what one image of the largest allowed grid pays."""
    return tools.dial.choice.widest.cost if tools.dial is not None else 1.0


@dataclass(frozen=True, slots=True)
class Measuring:
    """What `tessera calibrate` works with: the same work as a worker's. `identity` says who is paid, or which model looks."""

    work: DetectWork
    clock: Clock
    identity: str
    is_local: bool
    is_paid: bool

    @property
    def sheets(self) -> SheetMaker:
        """The same for all tasks."""
        return self.work.sheets

    @property
    def caller(self) -> Caller:
        return self.work.caller


async def measuring(settings: Settings, stack: AsyncExitStack) -> Measuring:
    """The worker's work without clients."""
    clock = SystemClock()
    metrics = Metrics(new_registry(), version=__version__, provider=settings.provider, role="worker")
    tools = await _tools(settings.model_copy(update={"role": "worker"}), clock, metrics, stack)
    is_local = settings.provider in LOCAL_PROVIDERS
    identity = tools.endpoint if is_local else f"{settings.provider} at {_namespace(settings, tools.endpoint)}"
    if settings.provider == "emulator" and settings.model is not None:
        identity += f", eyes {await asyncio.to_thread(_digest, settings.model)}"
    return Measuring(
        _detect(tools, _sheets(tools)), clock, identity, is_local, not is_local and settings.provider != "emulator"
    )


def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]


async def _tools(settings: Settings, clock: Clock, metrics: Metrics, stack: AsyncExitStack) -> _Tools:
    # In a thread: a local model is read and tried now. Raises UnusableModel, which keeps the process from starting.
    provider = await asyncio.to_thread(build_provider, await _provider_options(settings, stack))
    stack.push_async_callback(provider.aclose)
    endpoint = await _warm_up(provider)
    pixels = PixelPool(settings.compose_threads)
    stack.callback(pixels.close)
    capabilities = provider.capabilities
    ledger = Ledger(metrics, capabilities.provider, capabilities.dollars)
    caller = Caller(
        provider,
        clock=clock,
        rng=random.Random(),  # noqa: S311  # jitter, no secret
        attempt_timeout_s=settings.provider_timeout_s,
        sheets=settings.max_inflight,
        others=settings.max_alone,
        meter=ledger,
    )
    published = drops(table(capabilities.accuracy_table))
    dial = None
    if settings.role != "worker":
        dial = await build_dial(settings, capabilities, endpoint, published, ledger, clock, stack)
        _show(dial, settings, metrics)
    return _Tools(clock, provider, endpoint, caller, pixels, ledger, published, dial)


def _show(dial: Dial, settings: Settings, metrics: Metrics) -> None:
    """What the budget bought, where operators look."""
    expected = dial.choice.mix.expected
    metrics.chosen(expected.drop, expected.cost)
    log.info("accuracy budget", **described(dial.choice, settings.max_map_drop))


async def _warm_up(provider: Upstream) -> str:
    """Credentials and address are looked up now, not in the first request; the address, or "" where nothing says it.

    A vendor or credentials that are away keep nobody from starting. The address needs neither: it names the part of Redis
    that is ours, for as long as this process lives.
    """
    url = ""
    try:
        url = await provider.address()
        log.info("provider", url=url)
        await provider.warm_up()
    except Problem as problem:
        log.warning("the provider cannot be used yet", reason=problem.detail)
    return url


async def _provider_options(settings: Settings, stack: AsyncExitStack) -> ProviderOptions:
    """The paid upstream's address; without one the emulator is started as a child of this process."""
    url = settings.upstream_url
    if settings.provider == "emulator" and url is None:
        emulator = await start_emulator(settings.model)
        stack.push_async_callback(emulator.stop)
        url = emulator.url
        log.info("embedded emulator", url=url)
    return ProviderOptions(
        name=settings.provider,
        upstream_url=url,
        region=settings.aws_region,
        azure_key=settings.azure_key,
        upstream_grpc=settings.upstream_grpc,
        google_api_key=settings.google_api_key,
        max_connections=settings.max_inflight + settings.max_alone + FORWARD_CONNECTIONS,
        model=settings.model,
        model_recipe=Path(settings.model_recipe) if settings.model_recipe else None,
        dollars=settings.price_per_inference,
        looks_at_once=usable_cores(),
    )


async def _accumulator(settings: Settings, tools: _Tools, stack: AsyncExitStack) -> Accumulator:
    accumulator: Accumulator
    if settings.redis_url is None:
        accumulator = MemoryAccumulator(tools.clock, max_pending=settings.max_pending, lease_s=LEASE_S)
    else:
        accumulator = RedisAccumulator(
            settings.redis_url,
            process_id=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
            shards=settings.redis_shards,
            max_pending=settings.max_pending,
            lease_s=LEASE_S,
            namespace=_namespace(settings, tools.endpoint),
            intake=settings.role != "worker",
            workshop=settings.role != "api",  # or an API process would count as somebody who works
        )
    stack.push_async_callback(accumulator.close)
    try:
        await accumulator.start()
    except Problem as problem:  # images go alone until it is there; it goes on trying by itself
        log.warning("accumulator not reachable yet", reason=problem.detail)
    return accumulator


def _namespace(settings: Settings, endpoint: str) -> str:
    """The same for processes that pay at the same address: others on the same Redis never meet them.

    An embedded emulator has another address in each process, and is the same for all.
    """
    is_embedded = settings.provider == "emulator" and settings.upstream_url is None
    upstream = f"{settings.provider}|{'' if is_embedded else endpoint.rstrip('/')}"
    return f"tessera-{hashlib.sha256(upstream.encode()).hexdigest()[:12]}"


def _listening(accumulator: Accumulator) -> Callable[[], bool]:
    """Whether outcomes can come back: inside one process always."""
    return (lambda: accumulator.is_listening) if isinstance(accumulator, RedisAccumulator) else (lambda: True)


def _policy(settings: Settings, dial: Dial) -> Policy:
    return Policy(
        max_wait_s=settings.max_wait_s,
        request_timeout_s=settings.request_timeout_s,
        budget=dial.budget,
        mix_tenants=settings.mix_tenants,
        grid_text=settings.grid_text,
        label_grids=_label_grids(settings),
        max_pixels=settings.max_pixels,
        alone_at_once=settings.max_alone,
    )


def _label_grids(settings: Settings) -> frozenset[str]:
    """Endpoints whose labels come from grids: unless it is said otherwise, only ours, which promises nothing else."""
    endpoints = {None: ("native",), "detection": ENDPOINTS, "alone": ()}
    return frozenset(endpoints[settings.classify])


def _pipeline(
    settings: Settings,
    tools: _Tools,
    dial: Dial,
    accumulator: Accumulator,
    prevalences: Prevalences,
    stack: AsyncExitStack,
) -> Pipeline:
    store = S3Store(AllowedBuckets(settings.s3_buckets), region=settings.aws_region)
    stack.push_async_callback(store.aclose)
    links = Links(AllowedHosts(settings.url_hosts), CloudStorage(AllowedBuckets(settings.gcs_buckets), GoogleToken()))
    stack.push_async_callback(links.aclose)
    return Pipeline(
        accumulator,
        tools.caller,
        tools.provider.capabilities,
        _policy(settings, dial),
        store=store,
        pixels=tools.pixels,
        ledger=tools.ledger,
        clock=tools.clock,
        links=links,
        chooser=dial.chooser,
        shadow=_shadow(settings, tools, stack),
        groups=Groups(prevalences, settings.moderate_group) if settings.moderate_group > 1 else None,
        joiner=_joiner(settings, tools, accumulator, stack),
    )


def _joiner(settings: Settings, tools: _Tools, accumulator: Accumulator, stack: AsyncExitStack) -> Joiner | None:
    if not settings.join_equal:
        return None
    joiner = Joiner(accumulator.flights, tools.ledger, tools.clock, JoinTimes(cache_s=settings.result_cache_s))
    stack.push_async_callback(joiner.close)
    return joiner


def _shadow(settings: Settings, tools: _Tools, stack: AsyncExitStack) -> Shadow | None:
    if settings.shadow_percent == 0:
        return None
    watch = Watch(settings.shadow_percent / 100, settings.min_agreement)
    chance = random.Random()  # noqa: S311  # which images are compared, no secret
    capabilities = tools.provider.capabilities
    shadow = Shadow(watch, tools.caller, capabilities, tools.pixels, ledger=tools.ledger, clock=tools.clock, rng=chance)
    stack.push_async_callback(shadow.close)
    return shadow


def _azure_options(settings: Settings, tools: _Tools, clients: Clients) -> AzureOptions:
    """Whether the provider speaks Azure's language, and what the largest grid that is allowed leaves an image to pay."""
    known = tools.provider.capabilities
    own = None
    if known.vendor == "azure":
        own = OwnProvider(known.prices, _smallest_share(settings, tools))
    return AzureOptions(settings.grid_text, known.features, own, clients, settings.classify)


async def _worker(settings: Settings, tools: _Tools, accumulator: Accumulator, prevalences: Prevalences) -> Worker:
    sheets = _sheets(tools)
    moderate = ModerateWork(
        caller=tools.caller,
        sheets=sheets,
        estimates=prevalences,
        margins=await _margins(settings, tools),
        largest=settings.moderate_group,
        ledger=tools.ledger,
        clock=tools.clock,
    )
    work = ByTask(tools.caller, _detect(tools, sheets), {Task.MODERATE: moderate})
    return Worker(accumulator, work, tools.ledger, tools.clock, max_inflight=settings.max_inflight)


async def _margins(settings: Settings, tools: _Tools) -> Margins:
    """Of group tests; the calibration is read only where nobody has read it yet."""
    if tools.dial is not None:
        return tools.dial.margins
    return await asyncio.to_thread(known_margins, settings, tools.provider.capabilities)


def _sheets(tools: _Tools) -> SheetMaker:
    capabilities = tools.provider.capabilities
    return SheetMaker(
        capabilities=capabilities,
        rules=GridRules(
            mode=GridMode.KEPT,  # each lane has its own
            sheet_side_px=capabilities.sheet_side_px,
            min_sheet_side_px=capabilities.min_side_px,
            max_sheet_side_px=capabilities.max_side_px,
        ),
        drops=tools.drops,
        pixels=tools.pixels,
        ledger=tools.ledger,
        clock=tools.clock,
    )


def _detect(tools: _Tools, sheets: SheetMaker) -> DetectWork:
    return DetectWork(caller=tools.caller, sheets=sheets, ledger=tools.ledger, clock=tools.clock)


def _desk(settings: Settings, tools: _Tools, pipeline: Pipeline, quotas: Quotas, stack: AsyncExitStack) -> Desk:
    retries = RetryJoiner(tools.provider, tools.ledger)
    stack.push_async_callback(retries.close)
    rules = DeskRules(
        max_body_bytes=settings.max_body_bytes,
        max_held_bytes=settings.max_held_bytes,
        request_timeout_s=settings.request_timeout_s,
        speaks=tools.provider.capabilities.vendor,
        prices=tools.provider.capabilities.prices,
        names=tools.provider.capabilities.names,
    )
    return Desk(pipeline, retries, rules, tools.ledger, tools.clock, new_id=lambda: str(uuid.uuid4()), gate=quotas)
