"""Families of pools: how long an answer takes, and how often it is proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import matplotlib

from bench.answers import (
    Answer,
    Closed,
    ask_family,
    close_family,
    largest_gap,
    median_seconds,
    share_proven,
)
from bench.pools import HARD, MIB, Shape
from bench.scale import Scale
from bench.table import Row, at_least, at_most

matplotlib.use("Agg")
MS = 1e3
PERCENT = 1e2
DISTINCT = 1000
BOUNDS_SECONDS = 1.0
"""For 1 000 distinct sizes bounds are promised within this."""


def measure(scale: Scale) -> list[Row]:
    """Return the rows of all families; plots how the share of proofs grows with time."""
    ordinary = ask_family(ORDINARY, range(scale.count(300)), scale.clock)
    closed = close_family(ORDINARY, range(scale.count(300)), scale.clock)
    small = ask_family(Shape(hosts=16, vms=875), range(scale.count(200)), scale.clock)
    large = ask_family(Shape(hosts=256, vms=15_000), range(scale.count(30)), scale.clock)
    uneven = ask_family(Shape(64, 3500, xapi_overhead=True), range(scale.count(100)), scale.clock)
    big = ask_family(Shape(64, 1200, sizes_bytes=BIG), range(scale.count(100)), scale.clock)
    hard = ask_family(HARD, range(scale.count(40)), scale.clock, HARD_LIMIT_SECONDS[scale.quick])
    limit = 0.9 * BOUNDS_SECONDS
    distinct = ask_family(_distinct_shape(), range(scale.count(40)), scale.clock, limit)
    plotted = {"64 hosts": ordinary, "xapi overhead": uneven, "1 000 sizes": distinct, "hard": hard}
    _plot(plotted, scale.folder)
    return [
        *_ordinary("64 hosts, 3 500 VMs, 20 sizes", ordinary),
        *_beside_prototype("the same pools, beside a prototype", ordinary, closed),
        *_small("16 hosts, 875 VMs", small),
        *_large("256 hosts, 15 000 VMs", large),
        *_shown("64 hosts, needs with xapi's overhead", uneven),
        *_shown("64 hosts, 1 200 VMs of 8–128 GiB", big),
        *_shown("64 mixed hosts, load 90–95 %, 8 SRs that some hosts reach", hard),
        *_distinct(f"64 hosts, {DISTINCT:,} distinct sizes", distinct),
    ]


ORDINARY = Shape(hosts=64, vms=3500)
HARD_LIMIT_SECONDS = {False: 10.0, True: 0.1}
"""By `quick`: what stays open costs all of it."""
PROTOTYPE_SHARE = 0.93
"""Of such pools a prototype without the pattern LP closed by its closed forms, in 0.5 ms each."""
BIG = tuple(size << 30 for size in (8, 12, 16, 24, 32, 48, 64, 80, 96, 128))


def _distinct_shape() -> Shape:
    """Return the shape with 1 000 sizes from 1 to 128 GiB, evenly on a log scale, each whole MiB."""
    rng = Random(1)
    sizes: set[int] = set()
    while len(sizes) < DISTINCT:
        sizes.add(int(1024 * 128 ** rng.random()) * MIB)
    return Shape(hosts=64, vms=3500, sizes_bytes=tuple(sorted(sizes)))


def _ordinary(subject: str, answers: Sequence[Answer]) -> list[Row]:
    return [
        at_most(subject, _median_of(answers), median_seconds(answers), 0.005, "ms", MS),
        at_least(subject, "proven within 0.5 s", share_proven(answers, 0.5), 0.96, "%", PERCENT),
        at_least(subject, "proven within 10 s", share_proven(answers), 0.98, "%", PERCENT),
        at_most(subject, "largest gap", largest_gap(answers), 1, ""),
        *_context(subject, answers),
    ]


def _beside_prototype(subject: str, answers: Sequence[Answer], closed: Sequence[Closed]) -> list[Row]:
    by_form = sum(each.proven for each in closed) / len(closed)
    no_solver = sum(answer.gap == 0 and answer.solver_calls == 0 for answer in answers) / len(answers)
    return [
        at_least(subject, "proven by closed forms alone", by_form, PROTOTYPE_SHARE, "%", PERCENT),
        Row(subject, "closed forms alone, median from counted VMs", f"{median_seconds(closed) * MS:.3g} ms"),
        at_least(subject, "proven without LP and solver", no_solver, PROTOTYPE_SHARE, "%", PERCENT),
        Row(subject, "prototype without the pattern LP", "93 % in 0.5 ms"),
    ]


def _small(subject: str, answers: Sequence[Answer]) -> list[Row]:
    return [
        at_most(subject, _median_of(answers), median_seconds(answers), 0.001, "ms", MS),
        at_least(subject, "proven within 10 s", share_proven(answers), 0.98, "%", PERCENT),
        *_context(subject, answers),
    ]


def _large(subject: str, answers: Sequence[Answer]) -> list[Row]:
    return [
        at_most(subject, _median_of(answers), median_seconds(answers), 0.050, "ms", MS),
        at_least(subject, "proven within 10 s", share_proven(answers), 0.85, "%", PERCENT),
        *_context(subject, answers),
    ]


def _distinct(subject: str, answers: Sequence[Answer]) -> list[Row]:
    slowest = max(answer.seconds for answer in answers)
    return [
        at_most(subject, "slowest bounds", slowest, BOUNDS_SECONDS, "s"),
        *_shown(subject, answers),
    ]


def _shown(subject: str, answers: Sequence[Answer]) -> list[Row]:
    return [
        Row(subject, _median_of(answers), f"{median_seconds(answers) * MS:.3g} ms"),
        Row(subject, "proven within 0.5 s", f"{share_proven(answers, 0.5):.1%}"),
        Row(subject, "proven within the limit", f"{share_proven(answers):.1%}"),
        Row(subject, "largest gap", str(largest_gap(answers))),
        *_context(subject, answers),
    ]


def _median_of(answers: Sequence[Answer]) -> str:
    return f"median of {len(answers)} pools"


def _context(subject: str, answers: Sequence[Answer]) -> list[Row]:
    """Return what the figures mean: how different the answers are, and how many needed a solver."""
    figures = Counter(answer.lower for answer in answers)
    solver = sum(answer.solver_calls > 0 for answer in answers) / len(answers)
    return [
        Row(subject, "answers from … to", f"{min(figures)} … {max(figures)}"),
        Row(subject, "a solver was asked", f"{solver:.1%}"),
    ]


def _plot(families: dict[str, list[Answer]], folder: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for name, answers in families.items():
        times = sorted(answer.seconds for answer in answers if answer.gap == 0)
        axes.step(times, [100 * (i + 1) / len(answers) for i in range(len(times))], where="post", label=name)
    axes.set(xscale="log", xlabel="seconds from parsed pool", ylabel="pools with a proven answer, %")
    axes.set_title("Share of proven answers over time")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(folder / "proofs.png", dpi=120)
    pyplot.close(figure)
