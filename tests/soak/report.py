"""What a soak run found, for people (a table), for programs (JSON) and for a page (plots).

In: `Findings`. Called by `__main__`; matplotlib is needed for the plots only.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.soak.run import JUDGED, Findings
from tests.soak.verdict import Series

S_PER_MIN = 60.0
# A plot of the page each: file, title, and the kinds of figures in it.
PLOTS = (
    ("memory", "Own memory (MiB)", ("own memory",)),
    ("tasks", "Tasks", ("tasks",)),
    ("files", "Open files", ("open files",)),
    ("redis", "Keys in Redis", ("keys",)),
    ("answers", "Time of an answer (ms)", ("answer",)),
    ("machine", "Machine busy (%)", ("busy",)),
)
COLOURS = ("#2563eb", "#7c3aed", "#059669", "#d97706", "#dc2626", "#475569")


def table(found: Findings) -> str:
    """All figures, then the verdict."""
    fates, plan = found.tally.fates, found.plan
    pictures = sum(fates[fate] for fate in ("right", "wrong", "error", "lost"))
    busy = _values(found, "busy")
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    lines = [
        f"{plan.seconds / S_PER_MIN:.1f} min, {plan.api} API processes, {plan.workers} workers; {machine}",
        f"mean rate {plan.rate_per_s:g} requests/s in days of {plan.day_s:g} s",
        "",
        f"pictures asked about    {pictures:8}",
        *(f"  {fate:22}{fates[fate]:8}" for fate in ("right", "wrong", "error", "lost")),
        f"bad pictures refused    {fates['refused']:8}",
        f"clients that vanished   {fates['vanished']:8}",
        f"inferences paid         {found.paid:8}   for {found.answered} answered images",
        f"machine busy            {sum(busy) / len(busy) if busy else 0.0:8.0f} %   {_processor_time(found)}",
        "",
        *_trends(found),
        "",
        "after the last answer: " + (", ".join(f"{n} keys {k}" for k, n in found.left_over.items()) or "no job's key in Redis"),
        "tasks before and after: " + ", ".join(f"{name} {a:.0f}/{b:.0f}" for name, (a, b) in found.tasks.items()),
        "",
        *(f"NOT GOOD: {mistake}" for mistake in found.mistakes),
        *(f"  {said}" for said in found.tally.mistakes),
        "verdict: " + ("not good" if found.mistakes else _good(found)),
    ]
    return "\n".join(lines)


def _processor_time(found: Findings) -> str:
    """Of the machine, what each process took."""
    cores_s = found.took_s * (os.cpu_count() or 1)
    taken = {one.name.removesuffix(" cpu"): (one.values[-1] - one.values[0]) / cores_s for one in found.samples.series("cpu")}
    return ", ".join(f"{name} {100 * share:.0f} %" for name, share in taken.items())


def _good(found: Findings) -> str:
    return "flat, and every answer right" if found.trends else "every answer right (too short to say whether it is flat)"


def _trends(found: Findings) -> list[str]:
    if not found.trends:
        return ["too short for trends"]
    head = (
        f"from minute {found.plan.warm_up_s / S_PER_MIN:.1f} on         {'level':>9}{'highest':>9}{'growth':>9}{'allowed':>9}"
    )
    return [head + f"{'per hour':>10}"] + [
        f"  {one.name:26}{one.level:9.1f}{one.highest:9.1f}{one.growth:+9.2f}{one.allowed:9.2f}{one.per_hour:+10.2f} "
        f"{one.unit:4}{'' if one.is_flat else '  GROWS'}"
        for one in found.trends
    ]


def as_json(found: Findings) -> dict[str, Any]:
    rows = {f"{name}: {kind}": row for (name, kind), row in found.samples.rows.items()}
    return {
        "plan": asdict(found.plan),
        "seconds": found.took_s,
        "pictures": dict(found.tally.fates),
        "forms": dict(found.tally.forms),
        "paid": found.paid,
        "answered": found.answered,
        "trends": [asdict(trend) | {"is_flat": trend.is_flat} for trend in found.trends],
        "left_over": dict(found.left_over),
        "mistakes": found.mistakes,
        "samples": rows,
    }


def write_json(found: Findings, path: Path) -> None:
    path.write_text(json.dumps(as_json(found), indent=1), encoding="utf-8")


def _values(found: Findings, kind: str) -> list[float]:
    return [value for series in found.samples.series(kind) for value in series.values]


def write_plots(found: Findings, folder: Path) -> None:
    """One SVG per entry of PLOTS: `soak-NAME.svg`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, title, kinds in PLOTS:
        series = [one for kind in kinds for one in found.samples.series(kind)]
        _plot(folder / f"soak-{name}.svg", title, series, found.plan.warm_up_s if kinds[0] in JUDGED else None)


def _plot(path: Path, title: str, series: Sequence[Series], warm_up_s: float | None) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    with mpl.rc_context({"svg.hashsalt": "soak", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
        for one, colour in zip(series, COLOURS * len(series), strict=False):
            minutes = [at / S_PER_MIN for at in one.times_s]
            axes.plot(minutes, one.values, lw=1.2, color=colour, label=one.name.removesuffix(f" {one.kind}"))
        if warm_up_s is not None:
            axes.axvspan(0, warm_up_s / S_PER_MIN, color="#94a3b8", alpha=0.15, lw=0)
        axes.set(title=title, xlabel="minutes")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False, ncols=3, fontsize=8)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
