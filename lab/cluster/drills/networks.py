"""Drills in which cables, switches and packets go missing (MEMBERSHIP §5.1)."""

from __future__ import annotations

from collections.abc import Callable

from lab.cluster.cluster import Cluster
from lab.cluster.daemonfile import Settings
from lab.cluster.drills.steps import Drill, degraded, everybody, goes, lives, others, stands, taken, whole


def cut(host: int) -> Callable[[Cluster], None]:
    """Pull one host's cable at the switch: without carrier it is left out, until the cable is back."""

    def act(cluster: Cluster) -> None:
        cluster.nets.unplug_at_switch(host)
        goes(cluster, host)
        cluster.nets.plug_at_switch(host)
        whole(cluster)

    return act


def interface(cluster: Cluster) -> None:
    """Take one host's interface down: the same as a pulled cable."""
    cluster.nets.unplug_at_host(2)
    goes(cluster, 2)
    cluster.nets.plug_at_host(2)
    whole(cluster)


def mute(cluster: Cluster) -> None:
    """Lose all that one host sends: it is alone against two that hear each other, and is left out."""
    for receiver in others(cluster, 2):
        cluster.nets.lose(2, receiver)
    goes(cluster, 2)
    for receiver in others(cluster, 2):
        cluster.nets.heal(receiver)
    whole(cluster)


def one_way(cluster: Cluster) -> None:
    """Lose what one host says to one other: no group is the larger one, so all live."""
    cluster.nets.lose(0, 1)
    degraded(cluster, True)
    stands(cluster, 2)
    cluster.nets.heal(1)
    degraded(cluster, False)


def dead_switch(cluster: Cluster) -> None:
    """Let the switch die: nobody is better off than the others, so nobody is fenced."""
    cluster.nets.kill_switch()
    degraded(cluster, True)
    stands(cluster, 2)
    cluster.nets.revive_switch()
    degraded(cluster, False)


def switch_reboots(cluster: Cluster) -> None:
    """Let the switch drop its ports one after the other, and take them up again: nobody is fenced."""
    for change in (cluster.nets.unplug_at_switch, cluster.nets.plug_at_switch):
        for host in everybody(cluster):
            change(host)
            cluster.pass_time(0.1 * cluster.settings.timeout_seconds)
        stands(cluster, 1.5)
    degraded(cluster, False)


def dead_switch_fences(cluster: Cluster) -> None:
    """Let the switch die where minorities always fence (xapi's rule): the lowest UUID stays."""
    cluster.nets.kill_switch()
    taken(cluster, 1, (0,))
    taken(cluster, 2, (0,))
    lives(cluster, 0)
    cluster.nets.revive_switch()
    whole(cluster)


def second_network(cluster: Cluster) -> None:
    """Pull a cable of one network of two: the other one, of IPv6, carries on."""
    cluster.nets.unplug_at_switch(2, network=0)
    stands(cluster, 2.5)


NETWORKS: dict[str, Drill] = {
    "cable": Drill("one host's cable is pulled at the switch", cut(2), frozenset({2})),
    "cable-of-two": Drill("one of two hosts loses its cable", cut(1), frozenset({1}), Settings(hosts=2)),
    "interface": Drill("one host's interface goes down", interface, frozenset({2})),
    "mute": Drill("nobody hears one host", mute, frozenset({2})),
    "one-way": Drill("one host does not hear one other", one_way),
    "dead-switch": Drill("the switch dies and comes back", dead_switch),
    "switch-reboots": Drill("the switch drops its ports one after the other", switch_reboots),
    "fence-policy": Drill(
        "the switch dies where minorities always fence",
        dead_switch_fences,
        frozenset({1, 2}),
        Settings(isolation="fence"),
    ),
    "majority": Drill(
        "a cable is pulled where members live on grants of more than half",
        cut(2),
        frozenset({2}),
        Settings(quorum="majority"),
    ),
    "second-network": Drill(
        "one network of two loses a cable", second_network, settings=Settings(networks=2)
    ),
}
