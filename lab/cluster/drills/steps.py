"""What drills are made of: waiting for what the protocol promises, with generous time. Breaks nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lab.cluster.cluster import Cluster
from lab.cluster.daemonfile import Settings


@dataclass(frozen=True, slots=True)
class Drill:
    """One fault. Hosts are numbered from 0 here, and from 1 for people."""

    about: str
    act: Callable[[Cluster], None]
    fenced: frozenset[int] = frozenset()  # these are, and nobody else
    settings: Settings = field(default_factory=Settings)
    restarts: bool = False  # a daemon that ended is started again


def wait(cluster: Cluster, done: Callable[[], bool], times: float, what: str) -> None:
    """Wait so many T, and the slack, until something is so."""
    cluster.wait(done, times * cluster.settings.timeout_seconds + cluster.slack_seconds, what)


def everybody(cluster: Cluster) -> tuple[int, ...]:
    """Return all hosts."""
    return tuple(range(cluster.settings.hosts))


def others(cluster: Cluster, host: int) -> tuple[int, ...]:
    """Return all hosts but one."""
    return tuple(each for each in everybody(cluster) if each != host)


def goes(cluster: Cluster, host: int) -> None:
    """Wait until a host counts as dead: another one runs its VM."""
    taken(cluster, host, others(cluster, host))


def taken(cluster: Cluster, host: int, by: tuple[int, ...]) -> None:
    """Wait until one of some hosts runs the VM of another."""
    vm = f"vm-{host + 1}"
    wait(cluster, lambda: cluster.running(vm) in by, 4, f"{vm} runs elsewhere")


def whole(cluster: Cluster) -> None:
    """Wait until everybody is a member."""
    lives(cluster, *everybody(cluster))


def lives(cluster: Cluster, *members: int) -> None:
    """Wait until exactly these are members, as each of them sees it."""
    names = ", ".join(str(each + 1) for each in members)
    wait(cluster, lambda: cluster.lives(*members), 4, f"a liveset of {names}")


def stands(cluster: Cluster, times: float) -> None:
    """Let so many T pass, after which everybody is still a member."""
    cluster.pass_time(times * cluster.settings.timeout_seconds)
    whole(cluster)


def degraded(cluster: Cluster, expected: bool) -> None:
    """Wait until everybody calls the network degraded, or nobody."""

    def said() -> bool:
        found = [host.status() for host in cluster.hosts]
        return all(status is not None and status.network_degraded == expected for status in found)

    wait(cluster, said, 3, f"network {'degraded' if expected else 'whole'} to everybody")


def mode(cluster: Cluster, expected: str) -> None:
    """Wait until everybody lives on something."""

    def said() -> bool:
        found = [host.status() for host in cluster.hosts]
        return all(status is not None and status.mode == expected for status in found)

    wait(cluster, said, 3, f"everybody lives on {expected}")


def happens(cluster: Cluster, what: str, host: int, times: int = 1) -> None:
    """Wait until the history has so many records of a kind for a host."""
    wait(cluster, lambda: len(cluster.events(what, host)) >= times, 4, f"host {host + 1}: {what}")
