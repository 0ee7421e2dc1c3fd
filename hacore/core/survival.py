"""Who stays: the survival rule (MEMBERSHIP §5). Decides which members live on, must never act on it.

A verdict is a wish. Network loss fences only through a decided epoch, and only after the sight it rests on
has stood unchanged for a while (`Steady`); lost storage fences through the host's own deadline.

| somebody has storage | then |
|---|---|
| those with storage all hear each other | they stay |
| otherwise | the best group may leave others out, if the policy and the brakes let it |
| nobody has storage | all stay while all hear each other (they live on grants), otherwise nobody |

Groups are sets of hosts of which every two hear each other: the best one, then the best of the rest, and so
on; where hearing is transitive these are the connected groups. Score = (good evidence, size, weight, contains
the leader, lowest UUIDs). Isolation "fence" is xapi's rule: (size, weight, lowest UUIDs) and no brakes; where
it differs from xapi's own stands in docs/survival.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hacore.core.cliques import all_hear_all, best_group, best_group_with, foes_among, hosts_in
from hacore.records import MAX_HOSTS, NOBODY


class Why(StrEnum):
    """What a verdict rests on."""

    CONNECTED = "connected"  # all that have storage hear each other
    LARGEST = "largest"  # equal evidence; one group is strictly the largest and holds most of the liveset
    EVIDENCE = "evidence"  # some have worse evidence than a group that holds half of the liveset
    TIE = "tie"  # no group is better than another: nobody is left out
    BRAKE = "brake"  # the best group holds too little of the liveset: nobody is left out
    FENCE = "fence"  # isolation = "fence": only the best group stays
    HOLD = "hold"  # isolation = "hold": nobody is left out for the network's sake
    GRANTS = "grants"  # nobody has storage, everybody hears everybody
    NOTHING = "nothing"  # nobody has storage, and somebody is not heard: all fence


@dataclass(frozen=True, slots=True)
class Sight:
    """What the members publish, as one host sees it; bits and entries of others do not matter."""

    alive: int  # mask: not silent on the shared disk
    storage: int  # mask: say that their writes and reads work
    carrier: int  # mask: have carrier on some link of the heartbeat networks
    reaching: int  # mask: reach an arbiter
    rows: Sequence[int]  # by host: mask of the hosts it hears
    weights: Sequence[int]  # by host, ≥ 0, < 2⁵⁶


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who lives on."""

    stay: int  # mask: these; the other members are dead or have to fence
    out: int  # mask: alive and with storage, but an epoch should leave them out (cause ISOLATED)
    why: Why
    degraded: bool  # those that stay do not all hear each other


def survive(members: int, leader: int, sight: Sight, isolation: str) -> Verdict:
    """Return who of the members (mask) lives on; isolation is "evidence", "fence" or "hold"."""
    able = members & sight.alive & sight.storage
    if not able:
        return _without_storage(members, sight)
    if all_hear_all(able, sight.rows):
        return Verdict(able, 0, Why.CONNECTED, degraded=False)
    if isolation == "hold":
        return Verdict(able, 0, Why.HOLD, degraded=True)
    foes = foes_among(able, sight.rows)
    if isolation == "fence":
        group = best_group(able, foes, _worth(sight.weights, NOBODY))
        return Verdict(group, able & ~group, Why.FENCE, degraded=False)
    return _by_evidence(members, able, foes, leader, sight)


def rests_on(members: int, sight: Sight) -> tuple[int, ...]:
    """Return the views and the evidence that a verdict about these members rests on (for `Steady`)."""
    rows = (sight.rows[host] & members for host in hosts_in(members))
    flags = (sight.alive, sight.storage, sight.carrier, sight.reaching)
    return (members, *(mask & members for mask in flags), *rows)


@dataclass(frozen=True, slots=True)
class Steady:
    """Since when something has stood unchanged: the brake of MEMBERSHIP §5.1."""

    fingerprint: object
    since_ns: int

    def shown(self, fingerprint: object, now_ns: int) -> Steady:
        """Return itself while the fingerprint is the same, else one that starts now."""
        return self if fingerprint == self.fingerprint else Steady(fingerprint, now_ns)

    def held(self, stable_ns: int, now_ns: int) -> bool:
        """Tell whether it has stood for `stable_ns`."""
        return now_ns - self.since_ns >= stable_ns


def _without_storage(members: int, sight: Sight) -> Verdict:
    """Say who lives on grants: all or nobody, for each needs every other one (MEMBERSHIP §5.2)."""
    if all_hear_all(members, sight.rows):
        return Verdict(members, 0, Why.GRANTS, degraded=False)
    return Verdict(0, 0, Why.NOTHING, degraded=False)


def _by_evidence(members: int, able: int, foes: Sequence[int], leader: int, sight: Sight) -> Verdict:
    """Leave out those that are worse than the best group, as far as the brakes allow."""
    good = able & sight.carrier & sight.reaching or able & sight.carrier
    worth = _worth(sight.weights, leader)
    best = _best_group(able, good, foes, worth)
    twice, most = best.bit_count() * 2, members.bit_count()
    if twice < most:
        return Verdict(able, 0, Why.BRAKE, degraded=True)
    worse = _without_good(able & ~best, good, foes, worth)
    equal = able & ~best & ~worse
    if equal and twice > most and _strictly_largest(best, able, good, foes, worth):
        return Verdict(best, able & ~best, Why.LARGEST, degraded=False)
    if worse:
        return Verdict(able & ~worse, worse, Why.EVIDENCE, degraded=bool(equal))
    return Verdict(able, 0, Why.TIE, degraded=True)


def _best_group(hosts: int, good: int, foes: Sequence[int], worth: Sequence[int]) -> int:
    """Return the group with the best score; one good host makes the evidence of its group good."""
    if good & hosts:
        return best_group_with(good & hosts, hosts, foes, worth)
    return best_group(hosts, foes, worth)


def _without_good(rest: int, good: int, foes: Sequence[int], worth: Sequence[int]) -> int:
    """Return the hosts of those groups among the rest that have bad evidence, where somebody's is good."""
    if not good:
        return 0
    while rest & good:
        rest &= ~_best_group(rest, good, foes, worth)
    return rest


def _strictly_largest(best: int, able: int, good: int, foes: Sequence[int], worth: Sequence[int]) -> bool:
    """Tell whether no other group with the same evidence is as large.

    Such a group lacks a host of the best one, and one that has foes: whoever hears everybody is in both.
    """
    others = (_best_group(able & ~(1 << host), good, foes, worth) for host in hosts_in(best) if foes[host])
    return all(
        group.bit_count() < best.bit_count() or bool(good & best) != bool(good & group) for group in others
    )


def _worth(weights: Sequence[int], leader: int) -> list[int]:
    """Return by host what adds up to (size, weight, contains the leader, lowest UUIDs) of its group."""
    return [
        1 << 128 | weight << 66 | (host == leader) << 65 | 1 << MAX_HOSTS - host
        for host, weight in enumerate(weights)
    ]
