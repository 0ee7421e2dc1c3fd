"""The planner's answer, with what every answer must satisfy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench import oracle
from bench.clocks import StillClock
from planner.model import Pool
from planner.results import Bounds, Tolerance
from planner.tolerance.answer import tolerance


@pytest.fixture(scope="session")
def ask() -> Callable[[Pool], Tolerance]:
    def answer(pool: Pool) -> Tolerance:
        return tolerance(pool, clock=StillClock())

    return answer


@pytest.fixture(scope="session")
def check_witness() -> Callable[[Pool, Bounds], None]:
    """Fail unless the upper bound is proved by what stands beside it."""

    def check(pool: Pool, bounds: Bounds) -> None:
        world, witness = oracle.World.of(pool), bounds.witness
        if witness is None:
            assert not world.guests
            assert bounds.upper == world.cap
        elif witness.reason == "quorum":
            assert pool.quorum == "majority"
            assert bounds.upper == world.cap
        elif witness.reason == "all_hosts":
            assert bounds.upper == len(world.hosts) - 1
        else:
            _check_lost(world, bounds, witness.hosts, witness.vms)
            assert (witness.reason == "down") is (bounds.upper == -1)

    return check


def _check_lost(world: oracle.World, bounds: Bounds, hosts: tuple[str, ...], vms: tuple[str, ...]) -> None:
    failed = {world.hosts.index(host) for host in hosts}
    assert len(failed) == len(hosts) == bounds.upper + 1
    assert not oracle.survivable(world, failed)
    restarted = {guest.uuid: guest for guest in world.guests if guest.home is None or guest.home in failed}
    assert set(vms) <= set(restarted)
    gone = sum(1 << host for host in failed)
    named = [(restarted[vm].size, restarted[vm].allowed & ~gone) for vm in vms]
    assert not oracle.packable(world.free, named), "the VMs of the witness could all be placed"
    anywhere = [(size, (1 << len(world.hosts)) - 1 & ~gone) for size, _ in named]
    assert bounds.witness is not None
    if bounds.witness.reason == "memory":
        assert not oracle.packable(world.free, anywhere), "memory alone does not refute"
    if bounds.witness.reason == "reach":
        assert oracle.packable(world.free, anywhere), "memory alone refutes"
