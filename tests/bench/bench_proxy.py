"""What the whole proxy costs, as a process: latency, CPU time, images per second, a free event loop, memory.

Run it with `python -m tests.bench.bench_proxy [--images N]`. Figures of a noisy machine mean little by themselves, so each
stands beside another of the same run, taken turn by turn with it:

direct          the same requests at the upstream itself
forwarder       through a bare proxy made of the same parts (uvicorn, Starlette, httpx), which only hands them on
passed through  through Tessera, asking for an operation that it hands on as well (it signs anew and counts)
alone           through Tessera, read and asked again, one image per inference (`X-Tessera-Grid: off`)
gridded         through Tessera, four images per inference
floor           the least that Pillow has to do for the same sheets, as in `bench_compose`

Latency is measured with few clients against the emulator at a fixed latency, and every answer's box is checked. Throughput and
CPU time are measured with many clients against an upstream that answers at once: the emulator looks at pixels, which takes
more CPU time than the proxy, and a true vendor takes none of this machine's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from PIL import __version__ as pillow_version

from app.core.geometry import Size
from app.core.layout import GridPlan, GridRules, plan_grid
from app.core.model import GridMode, Layout
from app.demo.checking import Fate, judge_exact
from app.demo.truth import seen_in
from app.providers.rekognition.operations import capabilities
from tests.bench.bench_compose import cpu_seconds, floor
from tests.bench.crowd import Answered, Run, memory_mib
from tests.bench.event_loop import Load, look_at_event_loops
from tests.bench.stand_ins import standing_in
from tests.bench.ways import ALONE, DIRECT, FORWARDER, GRIDDED, PASSED, Picture, Way, pictures, ways
from tests.support.emulator import running_emulator
from tests.support.server import running_server

IMAGES = 256
ROUNDS = 3
LAYOUT = Layout(2, 2)
# Everything else as it comes, but that the same few pictures are sent again and again, each to have a cell of its own.
SETTINGS = {"TESSERA_LAYOUTS": str(LAYOUT), "TESSERA_JOIN_EQUAL": "false"}
# What a telephone sends after scaling down, and what it takes; the marker is the same share of both.
PICTURE, PICTURES, MARKER_PX = Size(1280, 960), 32, 220
BIG, BIG_PICTURES, BIG_MARKER_PX = Size(4000, 3000), 4, 680
# Latency: as many clients as a sheet has cells, so that nobody queues; a vendor's quick answer; and a share of the images,
# because each of them takes its time.
FEW_CLIENTS, LATENCY_MS, FEW_SHARE = 4, 100, 0.16
# Throughput: eight sheets' worth at a time. Big pictures: two, and a share of the images.
MANY_CLIENTS = 32
BIG_CLIENTS, BIG_SHARE = 8, 0.2
# Of the images of a run, sent first and not counted: connections, the lanes' rates.
WARM_UP_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class PlannedSheet:
    """A sheet that the proxy would make, and its files."""

    plan: GridPlan
    files: dict[str, bytes]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the whole proxy with real processes.")
    parser.add_argument("--images", type=int, default=IMAGES, help="images per run and round (default: %(default)s)")
    images = _whole_sheets(parser.parse_args().images)
    began_s = time.monotonic()
    usual, big = pictures(PICTURE, PICTURES, MARKER_PX), pictures(BIG, BIG_PICTURES, BIG_MARKER_PX)
    print(f"python -m tests.bench.bench_proxy --images {images}; {os.cpu_count()} cores, Pillow {pillow_version}")
    print(f"{_described(usual, PICTURE)}; {_described(big, BIG)}; {LAYOUT} sheets, all other settings as they come")
    with tempfile.TemporaryDirectory() as folder:
        latency(usual, _whole_sheets(images * FEW_SHARE), Path(folder, "latency.log"))
        with (
            standing_in("vendor") as vendor,
            standing_in("forwarder", "--to", vendor.url) as forwarder,
            running_server(Path(folder, "load.log"), TESSERA_UPSTREAM_URL=vendor.url, **SETTINGS) as server,
        ):
            pid, marks = server.process.pid, []
            marks.append(f"{memory_mib(pid):.0f} MiB at the start")
            tried = ways(usual, vendor.url, forwarder, server)
            throughput(usual, tried, images)
            marks.append(f"{memory_mib(pid):.0f} after the images of {PICTURE}")
            look_at_event_loops(_loads(tried, ways(big, vendor.url, forwarder, server), images), ROUNDS)
            marks.append(f"{memory_mib(pid):.0f} after those of {BIG}, {memory_mib(pid, 'VmHWM'):.0f} at the highest")
    print(f"\nMemory of the proxy (resident): {', '.join(marks)}")
    print(f"Took {time.monotonic() - began_s:.0f} s")


def _whole_sheets(images: float) -> int:
    """At least a sheet for each client, so that no image waits for company that does not come."""
    return max(MANY_CLIENTS, round(images / LAYOUT.cells) * LAYOUT.cells)


def _described(some: Sequence[Picture], size: Size) -> str:
    weight_kb = sum(len(one.content) for one in some) / len(some) / 1000
    return f"{len(some)} JPEG files of {size}, {weight_kb:.0f} kB on average"


def _loads(tried: Sequence[Way], big: Sequence[Way], images: int) -> list[Load]:
    """Everything that may hold up a loop. Where nothing goes through the forwarder, it is the idle process."""
    usual, large = {way.name: way for way in tried}, {way.name: way for way in big}
    ours, forwarder, few = usual[ALONE].url, usual[FORWARDER].url, _whole_sheets(images * BIG_SHARE)
    return [
        Load("at rest", ours, forwarder),
        Load(f"forwarder, {PICTURE}", forwarder, ours, usual[FORWARDER], MANY_CLIENTS, images),
        Load(f"alone, {PICTURE}", ours, forwarder, usual[ALONE], MANY_CLIENTS, images),
        Load(f"gridded, {PICTURE}", ours, forwarder, usual[GRIDDED], MANY_CLIENTS, images // 2),
        Load(f"forwarder, {BIG}", forwarder, ours, large[FORWARDER], BIG_CLIENTS, few),
        Load(f"alone, {BIG}", ours, forwarder, large[ALONE], BIG_CLIENTS, few),
        Load(f"gridded, {BIG}", ours, forwarder, large[GRIDDED], BIG_CLIENTS, few),
    ]


def latency(some: Sequence[Picture], images: int, log_file: Path) -> None:
    """What a client notices: few clients, a vendor that takes its time."""
    print(f"\nLatency: {FEW_CLIENTS} clients, the emulator at {LATENCY_MS} ms, {ROUNDS} rounds of {images} images")
    with (
        running_emulator("--no-classical", "--latency-ms", str(LATENCY_MS)) as emulator,
        standing_in("forwarder", "--to", emulator.url) as forwarder,
        running_server(log_file, TESSERA_UPSTREAM_URL=emulator.url, **SETTINGS) as server,
    ):
        runs = _turn_by_turn(ways(some, emulator.url, forwarder, server), FEW_CLIENTS, images)
    _print_table(runs)
    answers = [one for name, rounds in runs.items() if name != PASSED for run in rounds for one in run.answers]
    wrong = sum(not _is_right(some, one) for one in answers)
    print(f"  {len(answers) - wrong} answers of {len(answers)} (all but those passed through) have just their own box")


def _is_right(some: Sequence[Picture], answer: Answered) -> bool:
    verdict = judge_exact([some[answer.picture].truth], seen_in(json.loads(answer.reply.body)))
    return all(mark.fate is Fate.RIGHT for mark in verdict.marks)


def throughput(some: Sequence[Picture], tried: Sequence[Way], images: int) -> None:
    """What one process can do, and what it spends: many clients, an upstream that answers at once."""
    print(f"\nThroughput: {MANY_CLIENTS} clients, an upstream that answers at once, {ROUNDS} rounds of {images} images")
    sheets, floors_ms = _sheets(some), []
    runs = _turn_by_turn(tried, MANY_CLIENTS, images, between=lambda: floors_ms.append(_floor_ms(sheets)))
    _print_table(runs)
    cpu_ms = {name: _cpu_ms(rounds) for name, rounds in runs.items()}
    floor_ms, gridded_ms, forwarder_ms = statistics.median(floors_ms), cpu_ms[GRIDDED], cpu_ms[FORWARDER]
    plan = sheets[0].plan
    print(
        f"  {plan.sheet} sheets, cells {plan.placements[0].content_size}: {1000 / gridded_ms:.0f} images per CPU second "
        f"({gridded_ms:.2f} ms each), floor {1000 / floor_ms:.0f} ({floor_ms:.2f} ms), ratio {floor_ms / gridded_ms:.2f}"
    )
    print(
        f"  CPU time per image, forwarder = 1: passed through {cpu_ms[PASSED] / forwarder_ms:.2f}, alone "
        f"{cpu_ms[ALONE] / forwarder_ms:.2f}, gridded {gridded_ms / forwarder_ms:.2f}, "
        f"gridded without the floor {(gridded_ms - floor_ms) / forwarder_ms:.2f}"
    )
    rates = {name: _rate(rounds) for name, rounds in runs.items()}
    print(
        f"  images/s, forwarder = 1: passed through {rates[PASSED] / rates[FORWARDER]:.2f}, alone "
        f"{rates[ALONE] / rates[FORWARDER]:.2f}, gridded {rates[GRIDDED] / rates[FORWARDER]:.2f}; "
        f"gridded {rates[GRIDDED]:.0f} images/s take {rates[GRIDDED] * gridded_ms / 1000:.2f} of {os.cpu_count()} cores"
    )


def _sheets(some: Sequence[Picture]) -> list[PlannedSheet]:
    known = capabilities("emulator")
    rules = GridRules(
        GridMode.KEPT, known.sheet_side_px, min_sheet_side_px=known.min_side_px, max_sheet_side_px=known.max_side_px
    )
    groups = [some[start : start + LAYOUT.cells] for start in range(0, len(some), LAYOUT.cells)]
    named = [{one.truth.label: one.content for one in group} for group in groups]
    return [PlannedSheet(plan_grid([(name, PICTURE) for name in files], [LAYOUT], rules, {}), files) for files in named]


def _floor_ms(sheets: Sequence[PlannedSheet]) -> float:
    """CPU time per image of nothing but Pillow, here."""
    spent_s = cpu_seconds(lambda: [floor(sheet.plan, sheet.files) for sheet in sheets])
    return 1000 * spent_s / sum(len(sheet.files) for sheet in sheets)


def _turn_by_turn(
    tried: Sequence[Way], clients: int, images: int, between: Callable[[], object] = lambda: None
) -> dict[str, list[Run]]:
    """Every way once, then every way again: what disturbs a noisy machine for a while disturbs all of them."""
    for way in tried:
        way.run(clients, round(images * WARM_UP_SHARE))
    runs: dict[str, list[Run]] = {way.name: [] for way in tried}
    for _ in range(ROUNDS):
        for way in tried:
            runs[way.name].append(way.run(clients, images))
        between()
    return runs


def _print_table(runs: Mapping[str, Sequence[Run]]) -> None:
    """A row per way: medians of its rounds; latencies over all of them, what is added, and how much of it is waiting."""
    titles = f"{'images/s':>9}{'p95 ms':>9}{'p50 ms':>9}{'added':>8}{'waiting':>9}{'CPU ms/image':>14}{'inferences':>12}"
    print(f"  {'':16}{titles}")
    direct_ms, _ = _percentiles_ms(runs[DIRECT])
    for name, rounds in runs.items():
        p50_ms, p95_ms = _percentiles_ms(rounds)
        added = "" if name == DIRECT else f"{p50_ms - direct_ms:8.1f}{_waiting_ms(rounds):9.1f}{_cpu_ms(rounds):14.2f}"
        paid = sum(run.inferences for run in rounds) / sum(run.images for run in rounds)
        print(f"  {name:16}{_rate(rounds):9.0f}{p95_ms:9.1f}{p50_ms:9.1f}{added:31}{paid:12.2f}")


def _percentiles_ms(rounds: Sequence[Run]) -> tuple[float, float]:
    """p50 and p95 of all latencies."""
    cuts = statistics.quantiles(chain.from_iterable(run.latencies_ms for run in rounds), n=20)
    return cuts[9], cuts[18]


def _waiting_ms(rounds: Sequence[Run]) -> float:
    """Median time in the accumulator."""
    return statistics.median(waited_ms for run in rounds for waited_ms in run.waited_ms)


def _rate(rounds: Sequence[Run]) -> float:
    return statistics.median(run.per_second for run in rounds)


def _cpu_ms(rounds: Sequence[Run]) -> float:
    return statistics.median(run.cpu_ms_per_image for run in rounds)


if __name__ == "__main__":
    main()
