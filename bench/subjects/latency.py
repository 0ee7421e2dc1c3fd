"""From a change in a pool to its new figures in the metrics: through XAPI, events, planning and a scrape."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from statistics import median

from bench.live import Change, Service, Xapi, changes_of, sample, serve_command, service, simulated_xapi
from bench.pools import HARD, MIB, from_shape, pool
from bench.scale import Scale
from bench.table import Row, at_most
from hacore.clock import Clock, Stopwatch
from planner.model import Pool

SUBJECT = "a change in XAPI until its figures are in /metrics"
SECONDS = 2.0
"""R29."""
CHANGES = 30


def measure(scale: Scale) -> list[Row]:
    """Return how late the figures of an ordinary pool and of a hard one are, by `xenha serve` as it is."""
    hosts, vms = scale.count(64), scale.count(3500)
    pools = {
        "ordinary pool": pool(2, hosts=hosts, vms=vms, load=0.7),
        "hard pool": from_shape(3, replace(HARD, hosts=hosts, vms=vms)),
    }
    return [row for name, made in pools.items() for row in _rows(name, *_followed(scale, made))]


def _rows(name: str, seconds: list[float], resident_bytes: int) -> list[Row]:
    return [
        at_most(SUBJECT, f"{name}: median of {len(seconds)} changes", median(seconds), SECONDS, "s"),
        at_most(SUBJECT, f"{name}: slowest", max(seconds), SECONDS, "s"),
        at_most(SUBJECT, f"{name}: resident memory", resident_bytes, 300 * MIB, "MiB", 1 / MIB),
    ]


def _followed(scale: Scale, made: Pool) -> tuple[list[float], int]:
    """Return the seconds of each change and the memory of `xenha serve` after them."""
    with (
        simulated_xapi(scale.folder, made) as xapi,
        service(serve_command(xapi.source), scale.clock) as watching,
    ):
        changes = islice(changes_of(xapi.running), scale.count(CHANGES))
        seconds = [_latency(scale.clock, xapi, watching, change) for change in changes]
        return seconds, watching.resident_bytes()


def _latency(clock: Clock, xapi: Xapi, watching: Service, change: Change) -> float:
    """Return the seconds from the call to the first scrape with figures that know of the change."""
    protected = len(xapi.running) - (not change.protected)

    def followed(metrics: str) -> bool:
        planned = sample(metrics, "xenha_plan_lag_seconds") == 0
        return planned and sample(metrics, "xenha_protected_vms") == protected

    watch = Stopwatch.start(clock)
    xapi.make(change)
    watching.wait_for(followed)
    return watch.seconds()
