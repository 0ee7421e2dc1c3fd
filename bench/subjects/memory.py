"""Memory over 1 000 replans: does the service grow?

A simulated pool changes; a service in a process of its own follows its events, plans after each change, and
is scraped, asked for plans and looked at all the while, as in real life. Only the pause in which changes
gather is left out (`bench.eager`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import cycle, pairwise

from bench.live import Service, Xapi, changes_of, service, simulated_xapi
from bench.pools import MIB, pool
from bench.scale import Scale
from bench.table import Row, at_most
from planner.model import Pool

SUBJECT = "memory of the service over replans"
REPLANS = 1000
GROWTH = 0.05
WARM_PLANS = 10
"""What-if plans before the first look at memory: the solver is loaded by then."""
PLAN_EVERY = 50


def measure(scale: Scale) -> list[Row]:
    """Return memory after a tenth of the replans, after half and after all."""
    made = pool(2, hosts=scale.count(64), vms=scale.count(3500), load=0.7)
    replans = scale.count(REPLANS)
    with simulated_xapi(scale.folder, made) as xapi:
        command = [sys.executable, "-m", "bench.eager", xapi.source]
        with service(command, scale.clock) as watching:
            marks = _replan(xapi, watching, made, (replans // 10, replans // 2, replans))
    return _rows(marks, replans)


def _rows(marks: list[int], replans: int) -> list[Row]:
    early, half, late = marks
    return [
        Row(SUBJECT, f"resident after {replans // 10:,} replans", f"{early / MIB:.1f} MiB"),
        Row(SUBJECT, f"resident after {replans // 2:,} replans", f"{half / MIB:.1f} MiB"),
        at_most(SUBJECT, f"resident after {replans:,} replans", late, 300 * MIB, "MiB", 1 / MIB),
        at_most(SUBJECT, f"growth since replan {replans // 10:,}", late / early - 1, GROWTH, "%", 100),
    ]


def _replan(xapi: Xapi, watching: Service, made: Pool, marks: tuple[int, ...]) -> list[int]:
    """Change the pool until it was planned for so often; return resident bytes at each mark."""
    questions = _questions(made)
    for _ in range(WARM_PLANS):
        _look_around(watching, next(questions))
    changes = changes_of(xapi.running)
    first = plans = watching.planned_after(0)
    resident = []
    for mark in marks:
        while plans - first < mark:
            xapi.make(next(changes))
            before, plans = plans, watching.planned_after(plans)
            if plans // PLAN_EVERY > before // PLAN_EVERY:
                _look_around(watching, next(questions))
        resident.append(watching.resident_bytes())
    return resident


def _questions(made: Pool) -> Iterator[tuple[str, ...]]:
    return cycle(pairwise(host.uuid for host in made.hosts))


def _look_around(watching: Service, failed: tuple[str, ...]) -> None:
    """Do what people do: ask what would happen, and open the page."""
    watching.plan(failed)
    watching.client.get("/").raise_for_status()
    watching.client.get("/api/v1/pool").raise_for_status()
