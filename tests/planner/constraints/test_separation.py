"""Enforced anti-affinity groups as a constraint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.clocks import StillClock
from bench.worlds import tiny
from planner.constraints.counted import resources_of
from planner.model import Pool, VMGroup
from planner.restart import plan
from planner.tolerance.answer import tolerance

GROUP = VMGroup("g", "anti_affinity", name="web", enforced=True)


def world(hosts: int, homes: tuple[int | None, ...], group: VMGroup = GROUP) -> Pool:
    """Return hosts with room for anything; VM i of the group has its home there, None: it is down."""
    pool = tiny([100] * hosts, [(1, home, None) for home in homes])
    return replace(pool, groups=(group,), vms=tuple(replace(vm, groups=("g",)) for vm in pool.vms))


def figure(pool: Pool) -> tuple[int, int, str | None]:
    bounds = tolerance(pool, clock=StillClock()).simultaneous
    return bounds.lower, bounds.upper, bounds.witness.reason if bounds.witness else None


@pytest.mark.parametrize(
    ("hosts", "homes", "expected"),
    [
        pytest.param(3, (0, 1, 2), (0, 0, "affinity"), id="a member on every host"),
        pytest.param(4, (0, 1, 2), (1, 1, "affinity"), id="one host to spare"),
        pytest.param(5, (0, 1, 2), (2, 2, "affinity"), id="two hosts to spare"),
        pytest.param(3, (0, 0), (1, 1, "affinity"), id="two that share a host part when it fails"),
        pytest.param(3, (0, 0, 0), (0, 0, "affinity"), id="three cannot part on two hosts"),
        pytest.param(2, (0, None), (0, 0, "affinity"), id="one is down and takes the last place"),
        pytest.param(1, (0, None), (-1, -1, "down"), id="no place for one that is down"),
        pytest.param(3, (0,), (2, 2, "all_hosts"), id="alone"),
    ],
)
def test_known_worlds(hosts, homes, expected):
    assert figure(world(hosts, homes)) == expected


@pytest.mark.parametrize("group", [replace(GROUP, enforced=False), VMGroup("g", "affinity")])
def test_what_is_not_enforced_changes_no_figure(group):
    assert figure(world(3, (0, 1, 2), group)) == (2, 2, "all_hosts")


def test_an_unprotected_member_keeps_its_place():
    pool = world(3, (0, 1))
    idle = replace(pool.vms[1], ha_restart_priority="", ha_always_run=False)
    assert figure(replace(pool, vms=(pool.vms[0], idle))) == (1, 1, "affinity")


def test_a_member_on_the_move_takes_both_places():
    pool = world(3, (0, 1))
    moving = replace(pool.vms[1], scheduled_to_be_resident_on="h2")
    (resource,) = resources_of(replace(pool, vms=(pool.vms[0], moving))).rooms
    assert resource.room == (0, 0, 0)


def test_a_plan_parts_them_and_says_who_finds_no_place():
    done = plan(world(4, (0, 0, 1)), ["h0"], clock=StillClock())
    assert done.complete
    assert sorted(placement.to_host for placement in done.placements) == ["h2", "h3"]
    short = plan(world(3, (0, 0, 1)), ["h0"], clock=StillClock())
    assert (short.complete, [left.reason for left in short.unplaced]) == (False, ["affinity"])
    assert "needs a host without a VM of group web" in short.unplaced[0].detail
