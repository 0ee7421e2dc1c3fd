"""Whole pools under isolation "fence" end as xapi's rule says: every partition times every loss of storage.

The verdict itself is compared in tests/hacore/core/test_xapi_rule.py, for any hearing at all; here machines
come to it with their clocks, deadlines, grants and epochs. The oracle is written from the specification.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from hacore.core.setup import Isolation
from hacore.core.survival import Sight, survive
from hacore.core.timing import NS
from hacore.records import NOBODY
from hacore.testing.network import bits
from hacore.testing.plan import Fault, Plan
from hacore.testing.seeds import Run
from hacore.testing.xapi_rule import survivors

T = 20
BEGIN, END = 30 * NS, 110 * NS


def partitions(hosts: int) -> Iterator[tuple[int, ...]]:
    """Yield every way to split hosts into groups, as masks."""
    if not hosts:
        yield ()
        return
    last = 1 << hosts - 1
    for groups in partitions(hosts - 1):
        yield (*groups, last)
        for place in range(len(groups)):
            yield (*groups[:place], groups[place] | last, *groups[place + 1 :])


def world(hosts: int, groups: tuple[int, ...], storage: int) -> Plan:
    everybody = (1 << hosts) - 1
    cut = [Fault(BEGIN, END, "link", group, everybody & ~group) for group in groups if group != everybody]
    lost = everybody & ~storage
    dark = [Fault(BEGIN, END, "storage", lost)] if lost else []
    return Plan(hosts, T * NS, END / NS / 60, isolation=Isolation.FENCE, reboot_ns=END, faults=[*cut, *dark])


def test_there_are_as_many_partitions_as_bell_counted():
    assert [len(list(partitions(hosts))) for hosts in range(1, 6)] == [1, 2, 5, 15, 52]


@pytest.mark.parametrize("hosts", [2, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_who_still_runs_vms_is_whom_xapi_lets_live(hosts):
    for groups in partitions(hosts):
        rows = [next(group for group in groups if group >> host & 1) for host in range(hosts)]
        for storage in range(1 << hosts):
            run = Run(f"{groups} {storage}", world(hosts, groups, storage))
            outcome = run.to_the_end(settle=False)
            alive = [host.index for host in run.world.hosts if host.vms]
            assert alive == list(bits(survivors(rows, storage))), (groups, bin(storage))
            assert outcome.violations == (), (groups, bin(storage))


@pytest.mark.parametrize("hosts", [2, 3, 4])
def test_who_is_gone_changes_the_verdict_only_where_it_is_said_to(hosts):
    """Ours differs in one case: all storage is gone beside a host that is dead, not shut down (§5.2)."""
    everybody = (1 << hosts) - 1
    for groups, gone, storage in product(partitions(hosts), range(everybody), range(everybody + 1)):
        left = everybody & ~gone
        rows = [next(group for group in groups if group >> host & 1) & left for host in range(hosts)]
        rows = [0 if gone >> host & 1 else row for host, row in enumerate(rows)]
        sight = Sight(left, storage & left, left, left, rows, [1] * hosts)
        ours = survive(left, NOBODY, sight, "fence").stay
        for excluded in subsets(gone):
            theirs = survivors(rows, storage & left, excluded) & left
            if gone != excluded and not storage & left:
                assert (theirs, ours) in ((0, 0), (0, left)), (rows, storage, gone, excluded)
            else:
                assert ours == theirs, (rows, storage, gone, excluded)


def subsets(mask: int) -> Iterator[int]:
    """Yield every part of a mask, itself and 0 included."""
    part = mask
    while part:
        yield part
        part = part - 1 & mask
    yield 0
