"""Drills in which the way to the shared disk fails, for one host or for all (MEMBERSHIP §3 and §5)."""

from __future__ import annotations

from collections.abc import Callable

from lab.cluster.cluster import Cluster
from lab.cluster.drills.steps import Drill, goes, happens, mode, stands, whole


def loses(fault: str) -> Callable[[Cluster], None]:
    """Take the disk from one host for good: it fences, the others take over."""

    def act(cluster: Cluster) -> None:
        cluster.hosts[1].disk(fault)
        goes(cluster, 1)
        cluster.hosts[1].disk("ok")
        whole(cluster)

    return act


def bears(fault: str, times: float) -> Callable[[Cluster], None]:
    """Trouble one host's disk for so many T: nobody is fenced for it."""

    def act(cluster: Cluster) -> None:
        cluster.hosts[1].disk(fault)
        cluster.pass_time(times * cluster.settings.timeout_seconds)
        cluster.hosts[1].disk("ok")
        stands(cluster, 1.5)

    return act


def both_lost(cluster: Cluster) -> None:
    """Take disk and cable from one host at once."""
    cluster.hosts[1].disk("hang")
    cluster.nets.unplug_at_switch(1)
    goes(cluster, 1)
    cluster.nets.plug_at_switch(1)
    cluster.hosts[1].disk("ok")
    whole(cluster)


def all_lose(fault: str) -> Callable[[Cluster], None]:
    """Take the disk from all and give it back: they live on each other's grants meanwhile."""

    def act(cluster: Cluster) -> None:
        for host in cluster.hosts:
            host.disk(fault)
        mode(cluster, "grants")
        stands(cluster, 2)
        for host in cluster.hosts:
            host.disk("ok")
        mode(cluster, "disk")
        stands(cluster, 1.2)

    return act


def lost_and_crashed(cluster: Cluster) -> None:
    """Take the disk from all, then cut one host's power: nobody can know that it is dead, so all fence."""
    for host in cluster.hosts:
        host.disk("eio")
    mode(cluster, "grants")
    cluster.hosts[2].crash()
    happens(cluster, "fence", 0)
    happens(cluster, "fence", 1)
    for host in cluster.hosts:
        host.disk("ok")
        host.power_on()
    whole(cluster)


DISKS: dict[str, Drill] = {
    "eio": Drill("one host's reads and writes fail", loses("eio"), frozenset({1})),
    "eio-write": Drill("one host's writes fail", loses("write=eio"), frozenset({1})),
    "eio-read": Drill("one host's reads fail", loses("read=eio"), frozenset({1})),
    "disk-hang": Drill("one host's reads and writes hang", loses("hang"), frozenset({1})),
    "disk-gone": Drill("one host's disk vanishes", loses("gone"), frozenset({1})),
    "disk-slow": Drill("one host's disk takes 0.15 s longer", bears("delay:150", 2)),
    "torn": Drill("one host's writes are torn for a moment", bears("write=torn", 0.3)),
    "ghost": Drill("one host's failed writes land later", bears("write=ghost:500", 0.3)),
    "both-lost": Drill("one host loses disk and cable", both_lost, frozenset({1})),
    "storage-lost": Drill("all hosts lose the disk and get it back", all_lose("eio")),
    "storage-hangs": Drill("all hosts' disks hang and go on", all_lose("hang")),
    "storage-and-host": Drill("all lose the disk, then one loses power", lost_and_crashed, frozenset({0, 1})),
}
