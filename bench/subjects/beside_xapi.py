"""xapi's own rule beside ours: how often it says less than is true, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

from bench.answers import ask
from bench.pools import Shape, from_shape
from bench.scale import Scale
from bench.table import Row
from planner.compat import xapi

matplotlib.use("Agg")


@dataclass(frozen=True, slots=True)
class Pair:
    """xapi's figure and our bounds for one pool."""

    xapi: int
    lower: int
    upper: int


def measure(scale: Scale) -> list[Row]:
    """Return the comparison at 64 hosts, where xapi approximates, and at 6, where it tries every order."""
    large = _pairs(Shape(hosts=64, vms=3500), scale.count(48), scale)
    small = _pairs(Shape(hosts=6, vms=200), scale.count(48), scale)
    _plot({"64 hosts": large, "6 hosts": small}, scale.folder)
    return [*_rows("xapi's rule, 64 hosts", large), *_rows("xapi's rule, 6 hosts", small)]


def _pairs(shape: Shape, pools: int, scale: Scale) -> list[Pair]:
    pairs = []
    for seed in range(2000, 2000 + pools):
        made = from_shape(seed, shape)
        ours = ask(made, scale.clock)
        pairs.append(Pair(xapi.max_failures(made), ours.lower, ours.upper))
    return pairs


def _rows(subject: str, pairs: Sequence[Pair]) -> list[Row]:
    survivable = [pair for pair in pairs if pair.lower > 0]
    lower = sum(pair.xapi < pair.lower for pair in survivable)
    above = sum(pair.xapi > pair.upper for pair in pairs)
    return [
        Row(
            subject, "lower than the truth, of pools that tolerate anything", f"{lower} of {len(survivable)}"
        ),
        Row(subject, "largest difference in hosts", str(max(pair.lower - pair.xapi for pair in pairs))),
        Row(subject, "above the truth", str(above), "0", above == 0),
    ]


def _plot(families: dict[str, list[Pair]], folder: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5.5, 5), layout="constrained")
    most = max(pair.upper for pairs in families.values() for pair in pairs) + 1
    axes.plot([0, most], [0, most], ls=":", c="grey", label="equal")
    for name, pairs in families.items():
        axes.scatter([p.lower for p in pairs], [p.xapi for p in pairs], alpha=0.5, label=name)
    axes.set(xlabel="host failures survived, proven", ylabel="xapi's figure")
    axes.set_title("xapi's own rule beside the proven figure")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(folder / "beside-xapi.png", dpi=120)
    pyplot.close(figure)
