"""Memory over 1 000 replans: does the service grow?

A process of its own does what the service does at each change: parse, plan, keep the state, render a scrape.
It says how much memory it holds at the beginning and at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from bench.pools import MIB, pool
from bench.scale import Scale
from bench.subjects.service import resident_bytes
from bench.table import Row, at_most
from exporter import state as transition
from exporter.exposition import Exposition
from exporter.ownplanner import OwnPlanner
from exporter.planning import quick_figures
from exporter.state import PoolState
from hacore.clock import SystemClock
from planner.inventory.poolfile import dump_pool, read_pool
from planner.inventory.snapshot import Snapshot
from planner.model import Pool

SUBJECT = "memory over replans"
REPLANS = 1000
GROWTH_BYTES = 8 * MIB
"""What allocators may still add after the first tenth; one leaked VM a replan is little, one pool 2 GiB."""


def measure(scale: Scale) -> list[Row]:
    """Return memory after a tenth of the replans and after all."""
    replans = scale.count(REPLANS)
    done = subprocess.run(
        [sys.executable, "-m", "bench.subjects.memory", str(replans)],
        capture_output=True,
        text=True,
        check=True,
    )
    early, late = map(int, done.stdout.split())
    return [
        at_most(SUBJECT, f"resident after {replans:,} replans", late, 300 * MIB, "MiB", 1 / MIB),
        at_most(SUBJECT, f"growth since replan {replans // 10}", late - early, GROWTH_BYTES, "MiB", 1 / MIB),
    ]


def replan(replans: int) -> tuple[int, int]:
    """Replan so often, a VM more or less each time; return resident bytes after a tenth and at the end."""
    clock = SystemClock()
    planner, states = OwnPlanner(clock), [PoolState("pool.json")]
    exposition = Exposition(lambda: states, clock, "bench")
    made = pool(2, hosts=64, vms=3500, load=0.7)
    files = [dump_pool(made).encode(), dump_pool(_without_one(made)).encode()]
    early = 0
    for i in range(replans):
        snapshot = Snapshot(read_pool(files[i % 2], "pool.json"))
        states[0] = transition.planning(transition.seen(states[0], snapshot, clock.wall_seconds()))
        states[0] = transition.planned(states[0], quick_figures(snapshot, planner, clock))
        exposition.render("")
        if i == replans // 10:
            early = resident_bytes(os.getpid())
    return early, resident_bytes(os.getpid())


def _without_one(made: Pool) -> Pool:
    return replace(made, vms=made.vms[:-1])


if __name__ == "__main__":
    print(*replan(int(sys.argv[1])))
