"""The external cases and what judges an answer to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from bench import oracle
from bench.clocks import StillClock
from planner.model import Pool
from planner.results import Bounds
from planner.tolerance.answer import tolerance

Lost = Callable[[Pool, Iterable[str]], bool]
Judge = Callable[[Pool], Bounds]
SMALL_HOSTS, SMALL_VMS = 8, 20


@pytest.fixture(scope="session")
def folder() -> Path:
    return Path(__file__).parent


@pytest.fixture(scope="session")
def certainly_lost() -> Lost:
    """Tell whether hosts of a pool, lost together, are certainly not survived: by us, not by the planner."""

    def judge(pool: Pool, failed: Iterable[str]) -> bool:
        world = oracle.World.of(pool)
        gone = {world.hosts.index(host) for host in failed}
        rooms = [room for i, room in enumerate(world.free) if i not in gone]
        sizes = [guest.size for guest in world.guests if guest.home is None or guest.home in gone]
        return oracle.certainly_unpackable(rooms, sizes) or not oracle.survivable(world, gone)

    return judge


@pytest.fixture(scope="session")
def answer(certainly_lost: Lost) -> Judge:
    """Return the planner's simultaneous bounds, their witness and order checked on the way."""

    def ask(pool: Pool) -> Bounds:
        found = tolerance(pool, clock=StillClock())
        bounds = found.simultaneous
        assert bounds.lower <= bounds.upper
        assert found.sequential.lower <= found.sequential.upper <= bounds.upper
        witness = bounds.witness
        if witness is not None and witness.reason in ("memory", "reach"):
            assert len(set(witness.hosts)) == len(witness.hosts) == bounds.upper + 1
            assert certainly_lost(pool, witness.hosts)
        return bounds

    return ask
