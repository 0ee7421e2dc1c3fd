"""Repair of a pool of 64 hosts: one failure more than it survives, by migrations alone."""

from __future__ import annotations

from statistics import median

from bench.pools import pool
from bench.scale import Scale
from bench.table import Row, at_most
from planner.repair.answer import repair
from planner.repair.result import Repair
from planner.tolerance.answer import tolerance

SUBJECT = "64 hosts, 3 500 VMs"
LOADS = (0.5, 0.6, 0.7, 0.8, 0.9)


def measure(scale: Scale) -> list[Row]:
    """Return how many pools are settled, and how long one move or a proof takes."""
    answers = [_asked(seed, scale) for seed in range(scale.count(10))]
    quick = [a.elapsed_seconds for a in answers if a.possible is False or (a.minimal and len(a.moves) == 1)]
    shares = {
        "repair: settled": [a.possible is not None for a in answers],
        "repair: possible": [a.possible is True for a in answers],
        "repair: of these with the fewest moves proven": [a.minimal for a in answers if a.possible],
    }
    rows = [Row(SUBJECT, what, f"{sum(flags)} of {len(flags)}") for what, flags in shares.items()]
    if quick:
        rows.append(at_most(SUBJECT, "repair: median where one move does or none", median(quick), 10.0, "s"))
        rows.append(at_most(SUBJECT, "repair: slowest of these", max(quick), 10.0, "s"))
    return rows


def _asked(seed: int, scale: Scale) -> Repair:
    asked = pool(20_000 + seed, hosts=64, vms=3500, load=LOADS[seed % len(LOADS)])
    figure = tolerance(asked, clock=scale.clock).simultaneous
    return repair(asked, target=figure.upper + 1, clock=scale.clock)
