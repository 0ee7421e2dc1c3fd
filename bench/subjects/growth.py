"""How the time for an answer grows from 8 to 256 hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from statistics import quantiles

import matplotlib

from bench.answers import Answer, ask_family, median_seconds, share_proven
from bench.pools import Shape
from bench.scale import Scale
from bench.table import Row

matplotlib.use("Agg")
HOSTS = (8, 16, 32, 64, 128, 256)
VMS_PER_HOST = 55
SUBJECT = "growth, 55 VMs a host"


def measure(scale: Scale) -> list[Row]:
    """Return the medians by number of hosts and the exponent of the growth; plots them."""
    hosts = HOSTS[:3] if scale.quick else HOSTS
    grown = {
        count: ask_family(Shape(count, count * VMS_PER_HOST), range(500, 500 + scale.count(20)), scale.clock)
        for count in hosts
    }
    _plot(grown, scale.folder)
    medians = {count: median_seconds(answers) for count, answers in grown.items()}
    exponent = log(medians[hosts[-1]] / medians[hosts[0]]) / log(hosts[-1] / hosts[0])
    return [
        *(
            Row(
                SUBJECT,
                f"{count} hosts",
                f"{medians[count] * 1e3:.3g} ms, {share_proven(grown[count]):.0%} proven",
            )
            for count in hosts
        ),
        Row(SUBJECT, "time grows as hosts to the power of", f"{exponent:.2f}"),
    ]


def _plot(grown: Mapping[int, Sequence[Answer]], folder: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    hosts = list(grown)
    spread = [quantiles([a.seconds * 1e3 for a in grown[count]], n=4) for count in hosts]
    axes.plot(hosts, [middle for _, middle, _ in spread], marker="o", label="median")
    axes.fill_between(hosts, [low for low, _, _ in spread], [high for _, _, high in spread], alpha=0.25)
    axes.plot(hosts, [spread[0][1] * count / hosts[0] for count in hosts], ls=":", c="grey", label="linear")
    axes.set_xscale("log", base=2)
    axes.set(yscale="log", xlabel="hosts", ylabel="milliseconds from parsed pool to answer")
    axes.set_xticks(hosts, [str(count) for count in hosts])
    axes.set_title("Growth of the time for an answer (band: middle half of the pools)")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(folder / "growth.png", dpi=120)
    pyplot.close(figure)
