"""States of pools made by hand, and a stand-in for the service that shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from exporter.daemons.state import DaemonState
from exporter.state import Figures, HostLoss, PoolState
from planner.inventory.snapshot import Snapshot
from planner.model import SR, VM, Host, Network, Pool
from planner.results import Bounds, Tolerance, Witness, XapiFigures

GIB = 1 << 30
NOW_SECONDS = 1_800_000_000.0


@dataclass(frozen=True)
class StillClock:
    """A clock that stands still."""

    seconds: float = NOW_SECONDS

    def monotonic_ns(self) -> int:
        return 0

    def wall_seconds(self) -> float:
        return self.seconds


@dataclass
class Shown:
    """What the page reads: states that a test puts there."""

    pools: Sequence[PoolState]
    clock: StillClock = StillClock()
    sockets: Sequence[DaemonState] = ()

    def states(self) -> Sequence[PoolState]:
        return self.pools

    def daemons(self) -> Sequence[DaemonState]:
        return self.sockets


def harbour(vm_count: int = 30) -> Pool:
    """Return a pool of five hosts: protected, best-effort and unprotected VMs, one of them not agile."""
    hosts = tuple(Host(f"h{i}", 256 * GIB, f"quay-{i}", 2 * GIB, 32) for i in range(1, 6))
    dom0s = [
        VM(
            f"dom0-{h.uuid}",
            4 * GIB,
            f"dom0 {h.name}",
            power_state="Running",
            resident_on=h.uuid,
            is_control_domain=True,
        )
        for h in hosts
    ]
    guests = [_guest(i, hosts[i % 5].uuid) for i in range(vm_count)]
    return Pool(
        uuid="p1",
        name="Harbour",
        master="h1",
        ha_host_failures_to_tolerate=2,
        hosts=hosts,
        srs=(SR("s1", "nfs-main"), SR("s2", "local on quay-3", shared=False, hosts=("h3",))),
        networks=(Network("n1", "lan"),),
        vms=(*dom0s, *guests),
    )


def _guest(i: int, host: str) -> VM:
    priority = ("restart", "restart", "best-effort", "")[i % 4]
    return VM(
        uuid=f"v{i}",
        memory_static_max_bytes=(8 + 8 * (i % 4)) * GIB,
        name=f"app-{i}",
        power_state="Running",
        resident_on=host,
        ha_restart_priority=priority,
        ha_always_run=priority == "restart",
        order=i % 3,
        srs=("s1", "s2") if i == 2 else ("s1",),
        networks=("n1",),
    )


def figures_of(
    pool: Pool,
    lower: int = 2,
    upper: int = 2,
    *,
    unplaced: int = 0,
    proven: bool = True,
    target: int | None = 2,
) -> Figures:
    """Return figures as a planning would leave them."""
    witness = Witness(("h1", "h2", "h3")[: upper + 1], ("v0", "v1", "v4"), "memory")
    tolerance = Tolerance(
        pool_uuid=pool.uuid,
        pool_name=pool.name,
        hosts=len(pool.hosts_in_service),
        protected_vms=len(pool.protected_vms),
        target=target,
        simultaneous=Bounds(lower, upper, "certificate", witness),
        sequential=Bounds(min(1, lower), upper, "certificate", witness),
        elapsed_seconds=0.0004,
    )
    losses = {host.uuid: HostLoss(unplaced, proven) for host in pool.hosts_in_service}
    return Figures(Snapshot(pool, xapi=XapiFigures(1, False)), tolerance, losses, NOW_SECONDS - 1, 0.01)


def state_of(pool: Pool, figures: Figures | None = None, **changes: object) -> PoolState:
    """Return the state of a pool that was seen four seconds ago."""
    state = PoolState(
        source="https://root@quay-1.example",
        up=True,
        snapshot=Snapshot(pool, xapi=XapiFigures(1, False)),
        seen_at_seconds=NOW_SECONDS - 4,
        figures=figures,
    )
    return replace(state, **changes)


@pytest.fixture
def pool() -> Pool:
    return harbour()


@pytest.fixture
def make_figures() -> Callable[..., Figures]:
    return figures_of


@pytest.fixture
def make_state() -> Callable[..., PoolState]:
    return state_of


@pytest.fixture
def shown() -> type[Shown]:
    return Shown


@pytest.fixture
def now_seconds() -> float:
    return NOW_SECONDS
