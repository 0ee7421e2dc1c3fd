"""Who is a member, and what the next epoch should say (MEMBERSHIP §4). Must never go by index alone.

Several needs may go into one decision, but those who asked to leave go alone: only an epoch whose cause is
LEFT, and which follows directly on the one they knew, tells them that nobody takes them for dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hacore.core.cliques import hosts_in
from hacore.core.leader import choose_leader
from hacore.records import NOBODY, Cause, Decision


def is_member(decided: Decision, host: int, incarnation: int) -> bool:
    """Tell whether this very incarnation of the host is a member: a reboot makes somebody else of it."""
    return decided.has(host, incarnation)


def readmitted(before: Decision, after: Decision) -> int:
    """Return the members (mask) of `after` that were none, or somebody else, in `before`.

    A cold start admits all anew: nobody was anybody's member then.
    """
    if after.epoch > before.epoch and after.cause in (Cause.FORMED, Cause.OPERATOR):
        return after.liveset
    changed = (host for host in hosts_in(after.liveset) if after.members[host] != before.members[host])
    return sum(1 << host for host in changed)


@dataclass(frozen=True, slots=True)
class Needs:
    """Why the next epoch is needed; masks of hosts."""

    rebooted: int = 0  # members whose slot shows another incarnation
    dead: int = 0  # silent members
    isolated: int = 0  # the survival rule leaves them out
    left: int = 0  # asked to be left out
    joining: int = 0  # to be admitted
    leader: int = NOBODY  # the one a member wishes

    @property
    def out(self) -> int:
        """Return the mask of those that must go, asked or not."""
        return self.rebooted | self.dead | self.isolated


def next_decision(
    before: Decision, needs: Needs, incarnations: Sequence[int], weights: Sequence[int]
) -> Decision | None:
    """Return the decision that meets the needs, None if nothing has to change."""
    liveset, cause = _next_liveset(before.liveset, needs)
    leader = choose_leader(liveset, needs.leader, before.leader, weights)
    if liveset == before.liveset and not needs.joining:
        if leader == before.leader:
            return None
        cause = Cause.LEADER
    members = tuple(
        _incarnation(host, liveset, needs.joining, before, incarnations)
        for host in range(len(before.members))
    )
    return Decision(before.epoch + 1, liveset, members, leader, cause)


def _next_liveset(liveset: int, needs: Needs) -> tuple[int, Cause]:
    out = needs.out & liveset
    if not out and needs.left & liveset:
        return liveset & ~needs.left, Cause.LEFT
    return liveset & ~out | needs.joining, _gravest(needs)


def _gravest(needs: Needs) -> Cause:
    if needs.dead:
        return Cause.DEAD
    if needs.rebooted:
        return Cause.REBOOTED
    return Cause.ISOLATED if needs.isolated else Cause.JOINED


def _incarnation(host: int, liveset: int, joining: int, before: Decision, incarnations: Sequence[int]) -> int:
    if not liveset >> host & 1:
        return 0
    return incarnations[host] if joining >> host & 1 else before.members[host]


def formed(
    before: Decision,
    group: int,
    incarnations: Sequence[int],
    weights: Sequence[int],
    wish: int,
    cause: Cause = Cause.FORMED,
) -> Decision:
    """Return the decision of a cold start: exactly this group."""
    members = tuple(incarnations[host] if group >> host & 1 else 0 for host in range(len(before.members)))
    leader = choose_leader(group, wish, before.leader, weights)
    return Decision(before.epoch + 1, group, members, leader, cause)


def ranked(candidates: int, last: int, leader: int, me: int) -> int:
    """Return my turn among those that may propose: the leader first, those in `last` last; −1: not mine."""
    if not candidates >> me & 1:
        return -1
    ahead = candidates & ((1 << me) - 1)
    if last >> me & 1:
        return (candidates & ~last).bit_count() + (ahead & last).bit_count()
    if me == leader:
        return 0
    first = candidates & ~last
    leads = leader != NOBODY and bool(first >> leader & 1) and leader > me
    return (ahead & first).bit_count() + leads
