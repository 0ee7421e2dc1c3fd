"""Small pools from a seed, a clock that a test sets, and a brute force over every set and every packing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from random import Random

import pytest

from hacore.kernel._reference import fits
from planner.model import VM, Host, Pool
from planner.placement.problem import DOWN, Problem


@dataclass(slots=True)
class SetClock:
    """A clock that moves by `step_ns` whenever it is read."""

    now_ns: int = 0
    step_ns: int = 0

    def monotonic_ns(self) -> int:
        self.now_ns += self.step_ns
        return self.now_ns

    def wall_seconds(self) -> float:
        return self.now_ns / 1e9


def survives(problem: Problem, failed: int, vms: tuple[str, ...] | None = None) -> bool:
    """Tell whether the VMs of the failed hosts and those that are down (or only `vms`) all fit elsewhere."""
    room = tuple(0 if failed >> h & 1 else free for h, free in enumerate(problem.free_bytes))
    items = [
        (need, mask & ~failed)
        for uuid, need, home, mask in zip(
            problem.vms, problem.need_bytes, problem.home, problem.candidates, strict=True
        )
        if (home == DOWN or failed >> home & 1) and (vms is None or uuid in vms)
    ]
    return fits(room, sorted(items, reverse=True))


def truth(problem: Problem, units: list[int]) -> int:
    """Return the tolerance in failed units (masks of hosts), the quorum aside: every set tried."""
    for k in range(len(units) + 1):
        if not all(survives(problem, sum(chosen)) for chosen in combinations(units, k)):
            return k - 1
    return len(units)


def make_pool(seed: int) -> Pool:
    """Return a pool of one to five hosts and up to eight VMs: tight, odd, restricted, with VMs down."""
    rng = Random(seed)
    names = [f"h{i}" for i in range(rng.choice((1, 2, 3, 3, 4, 4, 5)))]
    unit = rng.choice((1, 1, 7, 1 << 20, (1 << 20) + 1))
    odd, top = rng.random() < 0.4, rng.choice((2, 4, 8, 12))
    restricted = rng.choice((0.0, 0.0, 0.3, 0.7))
    vms = tuple(_vm(rng, i, names, unit, top, odd, restricted) for i in range(rng.randint(1, 8)))
    used = {name: sum(vm.need_bytes for vm in vms if vm.resident_on == name) for name in names}
    hosts = tuple(
        Host(
            uuid=name,
            memory_total_bytes=used[name]
            + rng.choice((0, rng.randint(0, 2 * top), rng.randint(0, 2 * top))) * unit
            + (rng.randint(0, 5) if odd else 0),
            live=rng.random() > 0.07,
            failure_domains=(("rack", f"r{rng.randint(0, 2)}"),) if rng.random() < 0.6 else (),
        )
        for name in names
    )
    return Pool(uuid="p", hosts=hosts, vms=vms)


def _vm(rng: Random, i: int, names: list[str], unit: int, top: int, odd: bool, restricted: float) -> VM:
    home = rng.choice(names) if rng.random() > 0.12 else None
    candidates = tuple(name for name in names if rng.random() < 0.6) if rng.random() < restricted else None
    protected = rng.random() < 0.85
    return VM(
        uuid=f"v{i}",
        memory_static_max_bytes=rng.randint(1, top) * unit + (rng.randint(0, 3) if odd else 0),
        power_state="Running" if home else "Halted",
        resident_on=home,
        ha_restart_priority="restart" if protected else "",
        ha_always_run=protected,
        candidate_hosts=candidates,
    )


@pytest.fixture(scope="session")
def pools() -> Callable[[int], Pool]:
    """Return the maker of small pools."""
    return make_pool


@pytest.fixture(scope="session")
def brute() -> Callable[[Problem, list[int]], int]:
    """Return the brute force."""
    return truth


@pytest.fixture(scope="session")
def survivable() -> Callable[..., bool]:
    """Return the judge of one failure set."""
    return survives


@pytest.fixture
def clock() -> SetClock:
    """Return a clock that stands still."""
    return SetClock()
