"""What a soak does to a running cluster, one stroke after the other: break, wait, mend. Judges nothing.

A stroke is a drill for any host of any cluster, again and again: VMs may be anywhere, and what it waits for
must have been told since it began. It leaves the cluster whole.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hacore.clock import SystemClock
from lab.cluster.cluster import Cluster
from lab.cluster.drills.steps import degraded, happens, mode, stands, wait, whole
from lab.cluster.perform import told


@dataclass(frozen=True, slots=True)
class Stroke:
    """One kind of fault. `act` gets the cluster and the host it is about, numbered from 0."""

    act: Callable[[Cluster, int], None]
    fences: bool = False  # the host it is about, exactly once; otherwise nobody


def plan(chance: Random, hosts: int) -> tuple[str, int]:
    """Draw a stroke and its host, never the last one: its daemon shows whether anything leaks."""
    return chance.choice(sorted(STROKES)), chance.randrange(hosts - 1)


def _called_dead(cluster: Cluster, host: int, since_ns: int) -> None:
    def said() -> bool:
        return any(dead.host == host and dead.at_ns > since_ns for dead in told(cluster).dead)

    wait(cluster, said, 4, f"host-{host + 1} is called dead")


def _dies(harm: Callable[[Cluster, int], None], mend: Callable[[Cluster, int], None]) -> Stroke:
    """Return a stroke by which a host is called dead; mended it comes back."""

    def act(cluster: Cluster, host: int) -> None:
        since_ns = SystemClock().monotonic_ns()
        harm(cluster, host)
        _called_dead(cluster, host, since_ns)
        mend(cluster, host)
        whole(cluster)

    return Stroke(act)


def _fenced(harm: Callable[[Cluster, int], None], mend: Callable[[Cluster, int], None]) -> Stroke:
    return Stroke(_dies(harm, mend).act, fences=True)


def _bears(fault: str, times: float) -> Stroke:
    """Return a stroke that troubles a host's disk for so many T, and fences nobody."""

    def act(cluster: Cluster, host: int) -> None:
        cluster.hosts[host].disk(fault)
        cluster.pass_time(times * cluster.settings.timeout_seconds)
        cluster.hosts[host].disk("ok")
        stands(cluster, 1.2)

    return Stroke(act)


def _disk(fault: str) -> Callable[[Cluster, int], None]:
    return lambda cluster, host: cluster.hosts[host].disk(fault)


def _daemon(number: signal.Signals) -> Callable[[Cluster, int], None]:
    return lambda cluster, host: cluster.hosts[host].signal_daemon(number)


def _crash(cluster: Cluster, host: int) -> None:
    cluster.hosts[host].crash()


def _on(cluster: Cluster, host: int) -> None:
    cluster.hosts[host].power_on()


def _reboot(cluster: Cluster, host: int) -> None:
    _crash(cluster, host)
    _on(cluster, host)


def _nothing(_cluster: Cluster, _host: int) -> None:
    pass


def _hiccup(cluster: Cluster, host: int) -> None:
    cluster.hosts[host].pause()
    cluster.pass_time(cluster.settings.watchdog_seconds / 3)
    cluster.hosts[host].resume()
    stands(cluster, 1.2)


def _leave(cluster: Cluster, host: int) -> None:
    disarmed = len(cluster.events("disarmed", host))
    ended = len(cluster.events("daemon-ended", host))
    cluster.hosts[host].command("leave")
    happens(cluster, "disarmed", host, disarmed + 1)
    happens(cluster, "daemon-ended", host, ended + 1)
    cluster.hosts[host].start_daemon()
    whole(cluster)


def _switch(cluster: Cluster, _host: int) -> None:
    cluster.nets.kill_switch()
    degraded(cluster, True)
    stands(cluster, 1.2)
    cluster.nets.revive_switch()
    degraded(cluster, False)


def _nobody_has_storage(cluster: Cluster, _host: int) -> None:
    for each in cluster.hosts:
        each.disk("eio")
    mode(cluster, "grants")
    stands(cluster, 1.2)
    for each in cluster.hosts:
        each.disk("ok")
    mode(cluster, "disk")
    stands(cluster, 1.2)


STROKES: dict[str, Stroke] = {
    "crash": _dies(_crash, _on),
    "reboot": _dies(_reboot, _nothing),
    "hang": _fenced(
        lambda cluster, host: cluster.hosts[host].pause(), lambda cluster, host: cluster.hosts[host].resume()
    ),
    "hiccup": Stroke(_hiccup),
    "daemon-killed": _fenced(_daemon(signal.SIGKILL), _nothing),
    "daemon-paused": _fenced(_daemon(signal.SIGSTOP), _nothing),
    "leave": Stroke(_leave),
    "cable": _fenced(
        lambda cluster, host: cluster.nets.unplug_at_switch(host),
        lambda cluster, host: cluster.nets.plug_at_switch(host),
    ),
    "dead-switch": Stroke(_switch),
    "eio": _fenced(_disk("eio"), _disk("ok")),
    "eio-write": _fenced(_disk("write=eio"), _disk("ok")),
    "disk-hang": _fenced(_disk("hang"), _disk("ok")),
    "disk-gone": _fenced(_disk("gone"), _disk("ok")),
    "disk-slow": _bears("delay:150", 1.5),
    "torn": _bears("write=torn", 0.3),
    "ghost": _bears("write=ghost:500", 0.3),
    "storage-lost": Stroke(_nobody_has_storage),
}
