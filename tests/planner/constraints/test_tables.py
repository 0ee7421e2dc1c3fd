"""One size for memory and another resource: what fits by it fits in both, and what it proves beyond them."""

from __future__ import annotations

from itertools import combinations_with_replacement
from random import Random

import pytest

from bench.clocks import StillClock
from bench.worlds import tight_with_rules
from hacore.clock import Deadline
from planner.constraints.resource import Resource
from planner.placement.problem import Problem, problem_of
from planner.tolerance.blocking import Certificate
from planner.tolerance.counts import Counted, count
from planner.tolerance.tables import Table, table_sets

NEVER = Deadline.after(StillClock(), 10.0)


def joined_tables(counted: Counted) -> list[Table]:
    return [table for tables in table_sets(counted) for table in tables if table.joined is not None]


def uneven_world(seed: int) -> Counted:
    """Return counted VMs that all take something beside memory, in units that do not divide each other."""
    rng = Random(seed)
    for _ in range(100):
        pool, rules = tight_with_rules(rng, 4, 8)
        counted = count(problem_of(pool, rules))
        if counted.problem.resources and joined_tables(counted):
            return counted
    raise AssertionError("nothing is joined")


@pytest.mark.parametrize("seed", range(60))
def test_what_fits_by_size_fits_in_memory_and_in_the_resource(seed):
    counted = uneven_world(seed)
    for table in joined_tables(counted):
        there = counted.problem.resources[table.joined].room
        uses = [dict(used)[table.joined] for used in counted.uses]
        for some in groups_of(range(len(uses)), 4):
            size = sum(table.scale.needs[kind] for kind in some)
            for host, room in enumerate(table.scale.room):
                if size <= room:
                    assert sum(counted.safe.needs[kind] for kind in some) <= counted.safe.room[host]
                    assert sum(uses[kind] for kind in some) <= there[host]


@pytest.mark.parametrize("seed", range(60))
def test_what_blocks_a_host_is_the_least_sum_of_sizes_no_smaller(seed):
    counted = uneven_world(seed)
    hosts = len(counted.problem.hosts)
    for table in joined_tables(counted):
        sizes = table.scale.needs
        assert sorted(sizes, reverse=True) == [sizes[kind] for kind in table.order]
        for kind, size in enumerate(sizes):
            larger = sorted({other for other in sizes if other >= size})
            for host, room in enumerate(table.scale.room):
                blocking = [s for s in sums(larger, room) if s > room - size] if room >= size else [0]
                assert table.least[kind * hosts + host] == min(blocking)


def groups_of(kinds: range, most: int) -> list[tuple[int, ...]]:
    return [some for n in range(1, most + 1) for some in combinations_with_replacement(kinds, n)]


def sums(sizes: list[int], most: int) -> set[int]:
    """Return the sums of sizes, each taken any number of times, up to `most`."""
    found = {0}
    for total in range(1, most + 1):
        if any(total - size in found for size in sizes):
            found.add(total)
    return found


def test_it_proves_what_two_numbers_beside_each_other_cannot():
    """Four hosts with 8 GiB and 8 vCPUs left and five VMs of 1 and 1 each; two hosts are lost.

    An any-fit packer by two numbers may leave 8 on a host twice, blocked once by each: of the 16 GiB and 16
    vCPUs it needs 20 in all. By one size ten VMs come to 10 of 16.
    """
    problem = Problem(
        hosts=("a", "b", "c", "d"),
        free_bytes=(8,) * 4,
        vms=tuple(f"v{i}" for i in range(20)),
        need_bytes=(1,) * 20,
        home=tuple(i // 5 for i in range(20)),
        candidates=(0b1111,) * 20,
        cap=None,
        resources=(Resource("cpu", "vCPUs", (8,) * 4),),
        uses=(((0, 1),),) * 20,
    )
    assert Certificate(count(problem)).lower(4, NEVER) == 2
    assert Certificate(count(problem), any_order=True).lower(4, NEVER) == 1  # two numbers, whatever comes
