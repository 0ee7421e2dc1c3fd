"""Drills in which hosts and daemons stop, die and come back."""

from __future__ import annotations

import signal

from lab.cluster.cluster import Cluster
from lab.cluster.daemonfile import Settings
from lab.cluster.drills.steps import Drill, everybody, goes, happens, lives, stands, taken, whole


def form(cluster: Cluster) -> None:
    """Change nothing."""
    stands(cluster, 1.5)


def crash(cluster: Cluster) -> None:
    """Cut the power of one host; it comes back later."""
    cluster.hosts[2].crash()
    goes(cluster, 2)
    cluster.hosts[2].power_on()
    whole(cluster)


def crash_leader(cluster: Cluster) -> None:
    """Cut the power of the leader: another one leads and takes its VM over."""
    cluster.hosts[0].crash()
    goes(cluster, 0)
    lives(cluster, 1, 2)


def crash_two(cluster: Cluster) -> None:
    """Cut the power of two hosts of three: the shared disk lets the last one live."""
    cluster.hosts[1].crash()
    cluster.hosts[2].crash()
    taken(cluster, 1, (0,))
    taken(cluster, 2, (0,))
    lives(cluster, 0)


def reboot(cluster: Cluster) -> None:
    """Reboot one host at once: it is back before anybody missed it, as somebody else."""
    cluster.hosts[2].crash()
    cluster.hosts[2].power_on()
    goes(cluster, 2)
    whole(cluster)


def power_failure(cluster: Cluster) -> None:
    """Cut the power of all hosts; when it is back they form anew."""
    for host in cluster.hosts:
        host.crash()
    for each in everybody(cluster):
        happens(cluster, "down", each)
    for host in cluster.hosts:
        host.power_on()
    whole(cluster)


def hang(cluster: Cluster) -> None:
    """Stop all of a host for longer than T and let it go on: its watchdog was faster."""
    cluster.hosts[1].pause()
    goes(cluster, 1)
    cluster.hosts[1].resume()
    whole(cluster)


def hiccup(cluster: Cluster) -> None:
    """Stop all of a host for less than its watchdog's patience: nothing happens."""
    cluster.hosts[1].pause()
    cluster.pass_time(cluster.settings.watchdog_seconds / 3)
    cluster.hosts[1].resume()
    stands(cluster, 1.5)


def leave(cluster: Cluster) -> None:
    """Let a host leave, which ends its daemon, and start one again: nobody calls it dead."""
    cluster.hosts[2].command("leave")
    lives(cluster, 0, 1)
    happens(cluster, "disarmed", 2)
    happens(cluster, "daemon-ended", 2)
    cluster.pass_time(1.2 * cluster.settings.timeout_seconds)
    cluster.hosts[2].start_daemon()
    whole(cluster)


def daemon_killed(cluster: Cluster) -> None:
    """Kill one daemon: its watchdog stays armed, its VMs are gone before anybody restarts them."""
    cluster.hosts[1].signal_daemon(signal.SIGKILL)
    goes(cluster, 1)
    whole(cluster)


def daemon_paused(cluster: Cluster) -> None:
    """Stop one daemon while its VMs run on: the watchdog fires."""
    cluster.hosts[1].signal_daemon(signal.SIGSTOP)
    goes(cluster, 1)
    whole(cluster)


def daemon_back(cluster: Cluster) -> None:
    """Kill one daemon that is started again before the watchdog fires: it goes on as the same member."""
    cluster.hosts[1].signal_daemon(signal.SIGKILL)
    happens(cluster, "armed", 1, times=2)
    stands(cluster, 0.2)


def handover(cluster: Cluster) -> None:
    """Have daemons replace themselves with their successors: nobody is fenced, nobody leaves."""
    for host in cluster.hosts[:2]:
        host.command("handover")
        stands(cluster, 0.3)


HOSTS: dict[str, Drill] = {
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
    "daemon-back": Drill(
        "one daemon is killed and started again",
        daemon_back,
        settings=Settings(timeout_seconds=20),
        restarts=True,
    ),
    "handover": Drill(
        "daemons are replaced by their successors", handover, settings=Settings(timeout_seconds=20)
    ),
}
"""`daemon-back` and `handover` have a watchdog of 2 s: a start takes part of one, on busy machines more."""
