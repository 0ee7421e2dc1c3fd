"""`xenha serve` on a pool of 64 hosts: a scrape, a plan, its memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations
from random import Random
from statistics import median

import httpx

from bench.live import Service, serve_command, service
from bench.pools import MIB, pool
from bench.scale import Scale
from bench.table import Row, at_most
from hacore.clock import Stopwatch
from planner.inventory.poolfile import dump_pool
from planner.model import Pool

SUBJECT = "xenha serve, 64 hosts, 3 500 VMs"


def measure(scale: Scale) -> list[Row]:
    """Return what a running service costs: the process is a real one, asked over HTTP."""
    served = pool(2, hosts=64, vms=3500, load=0.7)
    path = scale.folder / "pool-served.json"
    path.write_text(dump_pool(served), encoding="utf-8")
    with service(serve_command(path), scale.clock) as watching:
        scrapes = _times(scale, lambda: watching.client.get("/metrics"), scale.count(50))
        body = watching.client.get("/metrics", headers={"Accept-Encoding": "identity"})
        plans = _plan_times(scale, watching, served)
        resident = watching.resident_bytes()
    return [
        at_most(SUBJECT, f"scrape, median of {len(scrapes)}", median(scrapes), 0.020, "ms", 1e3),
        at_most(SUBJECT, "size of a scrape", len(body.content), 1_000_000, "kB", 1e-3),
        at_most(SUBJECT, f"plan for 3 failed hosts, median of {len(plans)}", median(plans), 0.3, "ms", 1e3),
        at_most(SUBJECT, "resident memory after plans", resident, 300 * MIB, "MiB", 1 / MIB),
    ]


def _times(scale: Scale, ask: Callable[[], httpx.Response], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        watch = Stopwatch.start(scale.clock)
        answer = ask()
        times.append(watch.seconds())
        assert answer.status_code == 200, answer.text
    return times


def _plan_times(scale: Scale, watching: Service, served: Pool) -> list[float]:
    """Ask for sets never asked before: plans are kept per set."""
    hosts = [host.uuid for host in served.hosts]
    sets = Random(3).sample(list(combinations(hosts, 3)), scale.count(30) + 1)
    times = [_times(scale, partial(watching.plan, failed), 1)[0] for failed in sets]
    return times[1:]
