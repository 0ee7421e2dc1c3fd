"""Questions about a pool of 64 hosts: what still fits, what a change costs, where VMs go for maintenance."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random
from statistics import median

from bench.pools import GIB, pool
from bench.scale import Scale
from bench.table import Row, at_most
from hacore.clock import Stopwatch
from planner.drain import drain
from planner.headroom import headroom
from planner.model import Pool
from planner.results import Headroom
from planner.whatif import whatif

SUBJECT = "64 hosts, 3 500 VMs"
LOADS = (0.5, 0.6, 0.7, 0.8, 0.9)
MS = 1e3


def measure(scale: Scale) -> list[Row]:
    """Return the rows of headroom, what-if and drain; pools of all loads, target 1."""
    return [*_headroom(scale), *_whatif(scale), *_drain(scale)]


def _pools(scale: Scale) -> Iterator[Pool]:
    for seed in range(scale.count(30)):
        yield pool(20_000 + seed, hosts=64, vms=3500, load=LOADS[seed % len(LOADS)])


def _headroom(scale: Scale) -> list[Row]:
    answers = [headroom(asked, size_bytes=16 * GIB, clock=scale.clock) for asked in _pools(scale)]
    seconds = [answer.elapsed_seconds for answer in answers]
    return [
        at_most(SUBJECT, f"headroom: median of {len(answers)} pools", median(seconds), 1.0, "s"),
        at_most(SUBJECT, "headroom: slowest", max(seconds), 1.0, "s"),
        Row(SUBJECT, "headroom: largest VM of the pool exact", f"{_share(_largest(answers)):.1%}"),
        Row(SUBJECT, "headroom: largest VM of a host exact", f"{_share(_hosts(answers)):.1%}"),
        Row(SUBJECT, "headroom: number of VMs of 16 GiB exact", f"{_share(_counts(answers)):.1%}"),
    ]


def _largest(answers: list[Headroom]) -> list[bool]:
    return [answer.largest.proven for answer in answers]


def _hosts(answers: list[Headroom]) -> list[bool]:
    return [span.proven for answer in answers for _, span in answer.per_host]


def _counts(answers: list[Headroom]) -> list[bool]:
    return [answer.count.proven for answer in answers if answer.count]


def _share(exact: list[bool]) -> float:
    return sum(exact) / len(exact)


def _whatif(scale: Scale) -> list[Row]:
    seconds = []
    for asked in _pools(scale):
        for change in islice(_changes(asked), 4):
            watch = Stopwatch.start(scale.clock)
            answer = whatif(asked, [change], clock=scale.clock)
            seconds.append(watch.seconds())
            assert not answer.errors
    return [
        at_most(SUBJECT, f"what-if: median of {len(seconds)} changes", median(seconds), 0.1, "ms", MS),
        Row(SUBJECT, "what-if: slowest", f"{max(seconds) * MS:.3g} ms"),
    ]


def _changes(asked: Pool) -> Iterator[str]:
    rng = Random(asked.uuid)
    running = [vm for vm in asked.protected_vms if vm.power_state == "Running"]
    host = rng.choice(asked.hosts)
    yield f"disable={host.uuid}"
    yield f"stop={rng.choice(running).uuid}"
    yield f"priority={rng.choice(running).uuid}:none"
    yield f"add-host=new:{host.memory_total_bytes}"


def _drain(scale: Scale) -> list[Row]:
    answers = [
        drain(asked, [host.uuid], clock=scale.clock) for asked in _pools(scale) for host in asked.hosts[:2]
    ]
    seconds = [answer.elapsed_seconds for answer in answers]
    return [
        at_most(SUBJECT, f"drain of a host: median of {len(answers)}", median(seconds), 1.0, "ms", MS),
        at_most(SUBJECT, "drain of a host: slowest", max(seconds), 1.0, "ms", MS),
        Row(SUBJECT, "drain of a host: settled", f"{_share([a.possible is not None for a in answers]):.1%}"),
    ]
