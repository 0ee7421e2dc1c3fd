"""Restart plans of pools that are nearly full: where not everybody can restart, the best part is searched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from random import Random
from statistics import median

from bench.pools import pool
from bench.scale import Scale
from bench.table import Row, at_least, at_most
from hacore.clock import Stopwatch
from planner.model import SR, VM, Pool
from planner.restart import plan

LOADS = (0.80, 0.85, 0.90, 0.95)
SECONDS = 0.3
MS = 1e3
PERCENT = 1e2


def measure(scale: Scale) -> list[Row]:
    """Return the rows of tight pools, agile and tied to shared SRs."""
    return [
        *_rows(scale, "tight pools: plan for 3 failed hosts of 64", _tight()),
        *_rows(scale, "the same, half the VMs on one of 4 SRs", map(_on_srs, _tight())),
    ]


def _tight() -> Iterator[Pool]:
    for seed in range(1000):
        yield pool(10_000 + seed, hosts=64, vms=3500, load=LOADS[seed % len(LOADS)])


def _on_srs(agile: Pool) -> Pool:
    """Return the pool with SRs that about 60 % of the hosts reach, and half the VMs on one of them."""
    rng = Random(agile.uuid)
    srs = tuple(
        SR(f"sr-{i}", hosts=tuple(host.uuid for host in agile.hosts if rng.random() < 0.6)) for i in range(4)
    )
    return replace(agile, srs=srs, vms=tuple(_on_sr(vm, srs, rng) for vm in agile.vms))


def _on_sr(vm: VM, srs: tuple[SR, ...], rng: Random) -> VM:
    reached = [sr.uuid for sr in srs if vm.resident_on in (sr.hosts or ())]
    stays = vm.is_control_domain or not reached or rng.random() < 0.5
    return vm if stays else replace(vm, srs=(rng.choice(reached),))


def _rows(scale: Scale, subject: str, made: Iterator[Pool]) -> list[Row]:
    """Ask each pool for four sets of failed hosts, in this process, as a warm service would."""
    times, proven, partial = [], 0, 0
    for asked in islice(made, scale.count(30)):
        for first in range(0, 12, 3):
            watch = Stopwatch.start(scale.clock)
            answer = plan(asked, [host.uuid for host in asked.hosts[first : first + 3]], clock=scale.clock)
            times.append(watch.seconds())
            proven += answer.optimal
            partial += not answer.complete
    return [
        at_most(subject, f"median of {len(times)} plans", median(times), SECONDS, "ms", MS),
        at_least(subject, "answered within 300 ms", _share(times), 0.98, "%", PERCENT),
        Row(subject, "slowest", f"{max(times) * MS:.3g} ms"),
        Row(subject, "not everybody can restart", f"{partial / len(times):.1%}"),
        Row(subject, "proven optimal", f"{proven / len(times):.1%}"),
    ]


def _share(times: list[float]) -> float:
    return sum(seconds <= SECONDS for seconds in times) / len(times)
