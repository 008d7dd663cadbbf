"""The demo from curtain to curtain: scenes, emulator, proxy, clients, judgement, report.

In: an `Order` (the command line). Out: prints, files in the order's folder, an exit code. Called by `run`.

The vendor and the proxy are processes of their own, started as a user would start them; the clients are threads that only
know boto3 and the proxy's address. What was paid is counted by the vendor, not by the proxy.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import httpx
import numpy as np
import PIL

from app import __version__
from app.demo import photographs, upstream
from app.demo.checking import Fate, Judge, Verdict, judge_alike, judge_exact
from app.demo.clients import Crowd, Reply, Request, poisson_arrivals_s, rekognition
from app.demo.drawing import COMPARED_WORDS, JUDGED_WORDS
from app.demo.gallery import draw_clients, draw_sheets
from app.demo.order import Order
from app.demo.processes import Child, ChildError, Command, interrupted_by_sigterm, tessera
from app.demo.report import Findings, Summary, summarise, table, write_json
from app.demo.scenes import Scene, kinds, make_scenes
from app.demo.truth import seen_in

PROBE_TIMEOUT_S = 10.0  # for counters and metrics
EXIT_DONE, EXIT_SHORT, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True, slots=True)
class Rules:
    """How answers are judged, in which words, and what the clients ask for besides their image."""

    judge: Judge
    words: Mapping[Fate, str]
    options: Mapping[str, Any]


SCENE_RULES = Rules(judge_exact, JUDGED_WORDS, {})
PHOTOGRAPH_RULES = Rules(judge_alike, COMPARED_WORDS, photographs.OPTIONS)


@dataclass(frozen=True, slots=True)
class Performance:
    """What happened between curtain up and curtain down."""

    replies: Sequence[Reply]
    inferences_paid: int


def say(line: str = "") -> None:
    """Tell the person who watches, at once even through a pipe."""
    print(line, flush=True)


def perform(order: Order) -> int:
    """The whole demo; returns the exit code."""
    began_s = time.monotonic()
    if order.complaint:
        print(f"tessera demo: {order.complaint}", file=sys.stderr)
        return EXIT_FAILED
    try:
        with interrupted_by_sigterm():
            summary = _perform(order, began_s)
    except (ChildError, photographs.PhotographsError, httpx.HTTPError) as failure:
        print(f"\ntessera demo: {failure}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("\ntessera demo: interrupted; everything that it started has been stopped", file=sys.stderr)
        return EXIT_INTERRUPTED
    return EXIT_SHORT if summary.shortcomings else EXIT_DONE


def _perform(order: Order, began_s: float) -> Summary:
    rules = PHOTOGRAPH_RULES if order.images else SCENE_RULES
    _clear(order.out)
    scenes = _look_alone(order, _scenes(order)) if order.images else _scenes(order)
    with TemporaryDirectory(prefix=".recorded-", dir=order.out) as folder:
        record = Path(folder).resolve()
        performance = _run_all(order, rules, scenes, record)
        verdicts = [_judged(rules, scene, reply) for scene, reply in zip(scenes, performance.replies, strict=True)]
        draw_sheets(upstream.recorded(record), order.out / "sheets")
    draw_clients(scenes, performance.replies, verdicts, rules.words, order.out / "clients")
    summary = summarise(_findings(order, performance, verdicts, time.monotonic() - began_s))
    write_json(summary, order.out / "summary.json")
    _print_end(order, summary)
    return summary


def _clear(out: Path) -> None:
    """Remove what an earlier demo left, and nothing else: the folder may hold other things of the user's."""
    out.mkdir(parents=True, exist_ok=True)
    for leftover in ("sheets/[0-9]*.jpg", "clients/[0-9]*-in-*.jpg", "summary.json", "emulator*.log", "proxy.log"):
        for path in out.glob(leftover):
            path.unlink()


def _scenes(order: Order) -> list[Scene]:
    if order.images:
        scenes = photographs.load(photographs.find_photographs(order.images, order.images_wanted, order.seed))
        say(f"{len(scenes)} photographs from {order.images}")
        return scenes
    began_s = time.monotonic()
    scenes = make_scenes(order.images_wanted, order.seed, threads=os.cpu_count() or 1)
    objects = sum(len(scene.objects) for scene in scenes)
    sides = [side for scene in scenes for side in (scene.size.width_px, scene.size.height_px)]
    say(f"{len(scenes)} scenes painted in {time.monotonic() - began_s:.1f} s: {min(sides)} to {max(sides)} px a side,")
    say(f"  {len(kinds(scenes))} encodings, {objects} objects, each with an identity of its own")
    return scenes


def _look_alone(order: Order, scenes: list[Scene]) -> list[Scene]:
    """The truth about photographs, from an emulator of its own: nothing of this is on the run's bill or in its recording."""
    say(f"asking the upstream about each of {len(scenes)} photographs alone: the truth to compare with")
    with Child(Command("the emulator", upstream.emulator_line(order.model), {}, _log(order, "emulator-alone.log"))) as emulator:
        return photographs.look_alone(scenes, rekognition(emulator.url, connections=order.clients))


def _run_all(order: Order, rules: Rules, scenes: Sequence[Scene], record: Path) -> Performance:
    """Vendor and proxy live in here, and nowhere else. The bill is read when the proxy has ended: nothing comes after it."""
    vendor = Command("the emulator", upstream.emulator_line(order.model, record), {}, _log(order, "emulator.log"))
    with Child(vendor) as emulator, httpx.Client(trust_env=False, timeout=PROBE_TIMEOUT_S) as http:
        say(f"emulated Rekognition at {emulator.url}")
        with Child(_proxy_command(order, emulator.url)) as proxy:
            say(f"tessera serve        at {proxy.url}   (accuracy budget {order.max_map_drop:g} mAP)")
            replies = _send_all(order, rules, scenes, proxy, emulator)
        return Performance(replies, upstream.inferences_paid(http, emulator.url))


def _log(order: Order, name: str) -> Path:
    return (order.out / name).resolve()


def _proxy_command(order: Order, emulator_url: str) -> Command:
    settings = {
        "TESSERA_PORT": "0",
        "TESSERA_GRPC_PORT": "0",
        "TESSERA_PROVIDER": "emulator",
        "TESSERA_UPSTREAM_URL": emulator_url,
        "TESSERA_MAX_MAP_DROP": f"{order.max_map_drop:g}",
    }
    return Command("the proxy", tessera("serve"), settings, _log(order, "proxy.log"))


def _send_all(order: Order, rules: Rules, scenes: Sequence[Scene], proxy: Child, emulator: Child) -> list[Reply]:
    arrivals_s = poisson_arrivals_s(len(scenes), order.rate_per_s, np.random.default_rng(order.seed))
    requests = [Request(scene.number, scene.content, at_s) for scene, at_s in zip(scenes, arrivals_s, strict=True)]
    client = rekognition(proxy.url, connections=order.clients)
    say(f"{order.clients} clients call boto3's detect_labels, {order.rate_per_s:g} images per second, endpoint_url={proxy.url}")

    def watch(answered: int) -> None:
        proxy.check()
        emulator.check()
        if sys.stdout.isatty():
            print(f"\r  {answered} of {len(scenes)} answered", end="", flush=True)

    replies = Crowd(client, requests, order.clients, rules.options).run(watch)
    if sys.stdout.isatty():
        print("\r", end="")
    return replies


def _judged(rules: Rules, scene: Scene, reply: Reply) -> Verdict:
    """Of an image that was not answered, everything is missing."""
    return rules.judge(scene.objects, () if reply.answer is None else seen_in(reply.answer))


def _findings(order: Order, performance: Performance, verdicts: Sequence[Verdict], seconds: float) -> Findings:
    return Findings(
        replies=performance.replies,
        verdicts=verdicts,
        inferences_paid=performance.inferences_paid,
        photographs=order.images is not None,
        seconds=seconds,
        versions=_versions(),
        arguments=_arguments(order),
    )


def _versions() -> Mapping[str, str]:
    return {
        "tessera": __version__,
        "python": platform.python_version(),
        "boto3": boto3.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }


def _arguments(order: Order) -> Mapping[str, Any]:
    given = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(order).items()}
    return {**given, "rate": order.rate_per_s, "count": order.images_wanted}


def _print_end(order: Order, summary: Summary) -> None:
    say()
    say(table(summary))
    for error in summary.errors:
        say(f"  a client met: {error}")
    for shortcoming in summary.shortcomings:
        say(f"  NOT AS PROMISED: {shortcoming}")
    say(f"  {order.out}/sheets   every sheet as it was sent, with the upstream's boxes")
    say(f"  {order.out}/clients  clients' images with their own answers      {order.out}/summary.json")
    say(f"  all done in {summary.seconds:.1f} s")
