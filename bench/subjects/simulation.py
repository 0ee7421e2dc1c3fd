"""The simulator: how much faster than life 64 hosts run on one core, and how many worlds a second CI gets."""

from __future__ import annotations

from collections.abc import Sequence

from bench.scale import Scale
from bench.table import Row, at_least
from hacore.clock import Stopwatch
from hacore.core.timing import NS
from hacore.testing.mix import draw
from hacore.testing.plan import Plan
from hacore.testing.seeds import Run

SUBJECT = "simulation, one core"
TIMEOUT_SECONDS = 60
SETTLED_SECONDS = 60
MEASURED_SECONDS = 600
SEEDS = 40


def measure(scale: Scale) -> list[Row]:
    """Return how fast worlds go by."""
    seconds = max(scale.count(MEASURED_SECONDS), TIMEOUT_SECONDS // 10)
    forming, living = _sixty_four(scale, seconds)
    worlds = [_world_seconds(scale, seed) for seed in range(max(scale.count(SEEDS), 1))]
    return [
        at_least(SUBJECT, "64 hosts, T = 60 s, as members", living, 200, "× real time"),
        Row(SUBJECT, "64 hosts, T = 60 s, their first minute (cold start)", f"{forming:,.3g} × real time"),
        Row(SUBJECT, "worlds of 2 to 8 hosts with faults", f"{len(worlds) / sum(worlds):,.3g} a second"),
    ]


def _sixty_four(scale: Scale, seconds: int) -> Sequence[float]:
    """Return by how much 64 hosts are faster than life: while they form, and then."""
    run = Run("bench", Plan(64, TIMEOUT_SECONDS * NS, 60.0))
    rates = []
    for lasts in (SETTLED_SECONDS, seconds):
        until_ns = run.world.now_ns + lasts * NS
        watch = Stopwatch.start(scale.clock)
        run.until(until_ns)
        rates.append(lasts / watch.seconds())
    assert all(host.vms for host in run.world.hosts), "not all 64 hosts are members"
    return rates


def _world_seconds(scale: Scale, seed: int) -> float:
    plan = draw(str(seed), range(2, 9), 20 * NS, 3.0)
    watch = Stopwatch.start(scale.clock)
    Run(str(seed), plan).to_the_end(settle=False)
    return watch.seconds()
