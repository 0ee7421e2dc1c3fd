"""Named faults for a cluster, each with what must come of it (MEMBERSHIP §5 and §9): drills and tests alike.

A drill gets a formed cluster, breaks it, waits for what must happen and mends it again. It may only wait for
what the protocol promises, with generous time: machines are slow, guarantees are not. Whether the guarantees
held is the judge's; a drill says who may be fenced, and everybody it names must have been.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.cluster.cluster import Cluster
from lab.cluster.daemonfile import Settings

SLACK_SECONDS = 15.0
"""On top of what the protocol promises: for a machine that does other things, too."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One fault. Hosts are numbered from 0 here, and from 1 for people."""

    about: str
    act: Callable[[Cluster], None]
    fenced: frozenset[int] = frozenset()  # these are, and nobody else
    settings: Settings = field(default_factory=Settings)
    restarts: bool = False  # a daemon that ended is started again


def _beyond(cluster: Cluster, times: float) -> float:
    """Return so many T, and the slack."""
    return times * cluster.settings.timeout_seconds + SLACK_SECONDS


def _all(cluster: Cluster) -> tuple[int, ...]:
    return tuple(range(cluster.settings.hosts))


def _others(cluster: Cluster, host: int) -> tuple[int, ...]:
    return tuple(each for each in _all(cluster) if each != host)


def _goes(cluster: Cluster, host: int) -> None:
    """Wait until a host counts as dead: another one runs its VM."""
    others = _others(cluster, host)
    vm = f"vm-{host + 1}"
    cluster.wait(lambda: cluster.running(vm) in others, _beyond(cluster, 4), f"{vm} runs elsewhere")


def _whole(cluster: Cluster) -> None:
    """Wait until everybody is a member."""
    cluster.wait(lambda: cluster.lives(*_all(cluster)), _beyond(cluster, 4), "a liveset of all")


def _stands(cluster: Cluster, times: float) -> None:
    """Let time pass, after which everybody is still a member and nobody was fenced."""
    cluster.pass_time(times * cluster.settings.timeout_seconds)
    _whole(cluster)


def _degraded(cluster: Cluster) -> bool:
    found = [host.status() for host in cluster.hosts]
    return all(status is not None and status.network_degraded for status in found)


def _mode(cluster: Cluster, mode: str) -> bool:
    found = [host.status() for host in cluster.hosts]
    return all(status is not None and status.mode == mode for status in found)


# Hosts


def form(cluster: Cluster) -> None:
    """Change nothing."""
    _stands(cluster, 1.5)


def crash(cluster: Cluster) -> None:
    """Cut the power of one host; it comes back later."""
    cluster.hosts[2].crash()
    _goes(cluster, 2)
    cluster.hosts[2].power_on()
    _whole(cluster)


def crash_leader(cluster: Cluster) -> None:
    """Cut the power of the leader: another one leads and takes its VMs over."""
    cluster.hosts[0].crash()
    _goes(cluster, 0)
    cluster.wait(lambda: cluster.lives(1, 2), _beyond(cluster, 2), "a liveset of the others")


def crash_two(cluster: Cluster) -> None:
    """Cut the power of two hosts of three: the shared disk lets the last one live."""
    cluster.hosts[1].crash()
    cluster.hosts[2].crash()
    cluster.wait(lambda: cluster.lives(0), _beyond(cluster, 4), "host 1 alone")
    for vm in ("vm-2", "vm-3"):
        cluster.wait(lambda vm=vm: cluster.running(vm) == 0, _beyond(cluster, 4), f"{vm} on host 1")  # type: ignore[misc]


def reboot(cluster: Cluster) -> None:
    """Reboot one host at once: it comes back before anybody missed it, as somebody else."""
    cluster.hosts[2].crash()
    cluster.hosts[2].power_on()
    _goes(cluster, 2)
    _whole(cluster)


def power_failure(cluster: Cluster) -> None:
    """Cut the power of all hosts; when it is back they form anew."""
    for host in cluster.hosts:
        host.crash()
    for host in cluster.hosts:
        cluster.wait(lambda host=host: bool(cluster.events("down", host.index)), SLACK_SECONDS, "dark")  # type: ignore[misc]
    for host in cluster.hosts:
        host.power_on()
    _whole(cluster)


def hang(cluster: Cluster) -> None:
    """Stop all of a host for longer than T and let it go on: its watchdog was faster."""
    cluster.hosts[1].pause()
    _goes(cluster, 1)
    cluster.hosts[1].resume()
    _whole(cluster)


def hiccup(cluster: Cluster) -> None:
    """Stop all of a host for less than its watchdog's patience: nothing happens."""
    cluster.hosts[1].pause()
    cluster.pass_time(cluster.settings.watchdog_seconds / 3)
    cluster.hosts[1].resume()
    _stands(cluster, 1.5)


def leave(cluster: Cluster) -> None:
    """Let a host leave and join again: its watchdog is disarmed, nobody calls it dead."""
    cluster.hosts[2].command("leave")
    cluster.wait(lambda: cluster.lives(0, 1), _beyond(cluster, 2), "a liveset without host 3")
    cluster.wait(lambda: bool(cluster.events("disarmed", 2)), _beyond(cluster, 2), "host 3 disarmed")
    cluster.pass_time(1.5 * cluster.settings.timeout_seconds)
    cluster.hosts[2].command("join")
    _whole(cluster)


# Daemons


def daemon_killed(cluster: Cluster) -> None:
    """Kill one daemon: its watchdog stays armed, the VMs beside it are gone before anybody restarts them."""
    cluster.hosts[1].signal_daemon(signal.SIGKILL)
    _goes(cluster, 1)
    _whole(cluster)


def daemon_paused(cluster: Cluster) -> None:
    """Stop one daemon while its VMs run on: the watchdog fires."""
    cluster.hosts[1].signal_daemon(signal.SIGSTOP)
    _goes(cluster, 1)
    _whole(cluster)


def handover(cluster: Cluster) -> None:
    """Have each daemon replace itself with its successor: nobody is fenced, nobody leaves."""
    for host in cluster.hosts:
        host.command("handover")
        _stands(cluster, 0.7)
    _stands(cluster, 1)


# Networks


def cable(cluster: Cluster) -> None:
    """Pull one host's cable at the switch: without carrier it is left out, until the cable is back."""
    cluster.nets.unplug_at_switch(2)
    _goes(cluster, 2)
    cluster.nets.plug_at_switch(2)
    _whole(cluster)


def interface(cluster: Cluster) -> None:
    """Take one host's interface down: the same as a pulled cable."""
    cluster.nets.unplug_at_host(2)
    _goes(cluster, 2)
    cluster.nets.plug_at_host(2)
    _whole(cluster)


def mute(cluster: Cluster) -> None:
    """Lose everything one host sends: it is alone against two that hear each other, and is left out."""
    for receiver in _others(cluster, 2):
        cluster.nets.lose(2, receiver)
    _goes(cluster, 2)
    for receiver in _others(cluster, 2):
        cluster.nets.heal(receiver)
    _whole(cluster)


def one_way(cluster: Cluster) -> None:
    """Lose what one host says to one other: no group is the larger one, all live, the network is degraded."""
    cluster.nets.lose(0, 1)
    cluster.wait(lambda: _degraded(cluster), _beyond(cluster, 3), "network-degraded everywhere")
    _stands(cluster, 3)
    cluster.nets.heal(1)
    cluster.wait(lambda: not _degraded(cluster), _beyond(cluster, 3), "no longer degraded")


def dead_switch(cluster: Cluster) -> None:
    """Let the switch die: nobody is better off than the others, so nobody is fenced."""
    cluster.nets.kill_switch()
    cluster.wait(lambda: _degraded(cluster), _beyond(cluster, 3), "network-degraded everywhere")
    _stands(cluster, 3)
    cluster.nets.revive_switch()
    cluster.wait(lambda: not _degraded(cluster), _beyond(cluster, 3), "no longer degraded")


def second_network(cluster: Cluster) -> None:
    """Pull a cable of one network of two: the other one carries on."""
    cluster.nets.unplug_at_switch(2, network=0)
    _stands(cluster, 3)


# Disks


def _loses_disk(fault: str) -> Callable[[Cluster], None]:
    def act(cluster: Cluster) -> None:
        cluster.hosts[1].disk(fault)
        _goes(cluster, 1)
        cluster.hosts[1].disk("ok")
        _whole(cluster)

    return act


def _bears_disk(fault: str, times: float) -> Callable[[Cluster], None]:
    def act(cluster: Cluster) -> None:
        cluster.hosts[1].disk(fault)
        cluster.pass_time(times * cluster.settings.timeout_seconds)
        cluster.hosts[1].disk("ok")
        _stands(cluster, 1.5)

    return act


def _all_lose_disk(fault: str) -> Callable[[Cluster], None]:
    def act(cluster: Cluster) -> None:
        for host in cluster.hosts:
            host.disk(fault)
        cluster.wait(lambda: _mode(cluster, "grants"), _beyond(cluster, 2), "all live on grants")
        _stands(cluster, 3)
        for host in cluster.hosts:
            host.disk("ok")
        cluster.wait(lambda: _mode(cluster, "disk"), _beyond(cluster, 3), "all live on the disk again")
        _stands(cluster, 1.5)

    return act


DRILLS: dict[str, Drill] = {
    "form": Drill("nothing happens", form),
    "crash": Drill("one host loses power and comes back", crash),
    "crash-leader": Drill("the leader loses power", crash_leader),
    "crash-two": Drill("two hosts of three lose power", crash_two),
    "reboot": Drill("one host reboots before anybody misses it", reboot),
    "power-failure": Drill("all hosts lose power and come back", power_failure),
    "hang": Drill("one host hangs for longer than T and goes on", hang, frozenset({1})),
    "hiccup": Drill("one host hangs for a moment", hiccup),
    "leave": Drill("one host leaves and joins again", leave),
    "daemon-killed": Drill("one daemon is killed beside live VMs", daemon_killed, frozenset({1})),
    "daemon-paused": Drill("one daemon stops beside live VMs", daemon_paused, frozenset({1})),
    "handover": Drill("each daemon is replaced by its successor", handover),
    "cable": Drill("one host's cable is pulled at the switch", cable, frozenset({2})),
    "interface": Drill("one host's interface goes down", interface, frozenset({2})),
    "mute": Drill("nobody hears one host", mute, frozenset({2})),
    "one-way": Drill("one host does not hear one other", one_way),
    "dead-switch": Drill("the switch dies and comes back", dead_switch),
    "second-network": Drill(
        "one network of two loses a cable", second_network, settings=Settings(networks=2)
    ),
    "eio": Drill("one host's reads and writes fail", _loses_disk("eio"), frozenset({1})),
    "eio-write": Drill("one host's writes fail", _loses_disk("write=eio"), frozenset({1})),
    "eio-read": Drill("one host's reads fail", _loses_disk("read=eio"), frozenset({1})),
    "disk-hang": Drill("one host's reads and writes hang", _loses_disk("hang"), frozenset({1})),
    "disk-gone": Drill("one host's disk vanishes", _loses_disk("gone"), frozenset({1})),
    "disk-slow": Drill("one host's disk takes 0.15 s longer", _bears_disk("delay:150", 2)),
    "torn": Drill("one host's writes are torn for a moment", _bears_disk("write=torn", 0.3)),
    "ghost": Drill("one host's failed writes land later", _bears_disk("write=ghost:500", 0.3)),
    "storage-lost": Drill("all hosts lose the disk and get it back", _all_lose_disk("eio")),
    "storage-hangs": Drill("all hosts' disks hang and go on", _all_lose_disk("hang")),
}
