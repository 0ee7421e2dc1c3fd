"""Headroom against every size and every distribution of small pools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from random import Random

import pytest

from bench.clocks import StillClock
from bench.oracle import simultaneous
from bench.worlds import tiny
from hacore.clock import Deadline
from lab.demo import demo_pool
from planner.headroom import STEP_BYTES, bisect, headroom
from planner.model import VM, Pool
from planner.results import Span
from planner.tolerance.answer import tolerance

CLOCK = StillClock()
NEVER = Deadline.after(CLOCK, 1.0)
MIB = 1 << 20


def with_more(pool: Pool, size_bytes: int, numbers: Sequence[int]) -> Pool:
    more = tuple(
        VM(
            f"n{host.uuid}-{i}",
            size_bytes,
            power_state="Running",
            resident_on=host.uuid,
            ha_restart_priority="restart",
            ha_always_run=True,
        )
        for host, number in zip(pool.hosts, numbers, strict=True)
        for i in range(number)
    )
    return replace(pool, vms=pool.vms + more)


def small(rng: Random) -> Pool:
    hosts = rng.randint(2, 4)
    masks = [None, None, rng.randint(1, 2**hosts - 1)]
    homes = [*range(hosts), *range(hosts), None]
    vms = [(rng.randint(1, 5), rng.choice(homes), rng.choice(masks)) for _ in range(rng.randint(0, 6))]
    return tiny([rng.randint(0, 9) for _ in range(hosts)], vms, unit=MIB)


def largest_on(pool: Pool, host: int, target: int) -> int:
    free = pool.free_bytes(pool.hosts[host].uuid) // MIB
    numbers = [int(other == host) for other in range(len(pool.hosts))]
    fits = [s for s in range(1, free + 1) if simultaneous(with_more(pool, s * MIB, numbers)) >= target]
    assert fits == list(range(1, len(fits) + 1)), "sizes that keep the target are a down-set"
    return len(fits)


def most_of(pool: Pool, size: int, target: int) -> int:
    rooms = [range(pool.free_bytes(host.uuid) // (size * MIB) + 1) for host in pool.hosts]
    keeping = [
        sum(numbers)
        for numbers in product(*rooms)
        if simultaneous(with_more(pool, size * MIB, numbers)) >= target
    ]
    return max(keeping, default=0)


@pytest.mark.parametrize("seed", range(150))
def test_the_largest_vm_is_exact_on_small_pools(seed):
    rng = Random(seed)
    pool, target = small(rng), rng.randint(0, 2)
    answer = headroom(pool, target=target, clock=CLOCK)
    expected = [largest_on(pool, host, target) * MIB for host in range(len(pool.hosts))]
    assert [span.lower for _, span in answer.per_host] == expected
    assert [span.upper for _, span in answer.per_host] == expected
    assert answer.largest == Span(max(expected), max(expected))


@pytest.mark.parametrize("seed", range(150))
def test_the_number_of_vms_is_exact_on_small_pools(seed):
    rng = Random(seed)
    pool, target, size = small(rng), rng.randint(0, 2), rng.randint(1, 4)
    number = most_of(pool, size, target)
    assert headroom(pool, target=target, size_bytes=size * MIB, clock=CLOCK).count == Span(number, number)


def test_where_closed_forms_leave_the_number_open_every_way_is_tried():
    answer = headroom(demo_pool(), size_bytes=4 << 30, limit_seconds=600, clock=CLOCK)
    assert answer.count == Span(8, 8)


def test_the_target_is_the_pools_own():
    pool = demo_pool()
    answer = headroom(pool, clock=CLOCK)
    assert answer.target == 2
    assert answer.to_json() == headroom(pool, target=2, clock=CLOCK).to_json()
    assert answer.largest.lower < headroom(pool, target=1, clock=CLOCK).largest.lower


def test_one_step_more_breaks_the_target():
    pool = demo_pool()
    answer = headroom(pool, clock=CLOCK)
    for host, (uuid, span) in enumerate(answer.per_host):
        numbers = [int(other == host) for other in range(len(pool.hosts))]
        assert uuid == pool.hosts[host].uuid
        for size, kept in ((span.lower, True), (span.upper + STEP_BYTES, False)):
            after = tolerance(with_more(pool, size, numbers), clock=CLOCK)
            assert (after.simultaneous.lower >= 2) is kept


def test_without_hosts_there_is_no_room():
    pool = demo_pool()
    dead = replace(pool, hosts=tuple(replace(host, live=False) for host in pool.hosts))
    answer = headroom(dead, size_bytes=MIB, clock=CLOCK)
    assert (answer.largest, answer.per_host, answer.count) == (Span(0, 0), (), Span(0, 0))


@pytest.mark.parametrize("most", range(12))
@pytest.mark.parametrize("true", range(12))
@pytest.mark.parametrize("hint", [0, 3, 50])
def test_bisection_finds_the_end(most, true, hint):
    true = min(true, most)
    assert bisect(lambda number: number <= true, most, hint, NEVER) == Span(true, true)


@pytest.mark.parametrize("hint", [0, 5, 11, 20])
def test_bisection_goes_round_what_is_open(hint):
    asked: list[int] = []

    def holds(number: int) -> bool | None:
        asked.append(number)
        return None if 5 <= number <= 9 else number < 5

    assert bisect(holds, 20, hint, NEVER) == Span(4, 9)
    assert len(asked) == len(set(asked)) <= 20
