"""The pure decisions that the machine calls, in one place where each can be exchanged.

Production runs RULES. The simulator's mutants replace one callable (`dataclasses.replace(RULES, …)`) and must
be found out: a rule that can be broken unnoticed is not checked. Never holds a switch or a state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hacore.core.fencing import DeadEvidence, certainly_dead
from hacore.core.grants import Grant, granted_since_ns, may_act
from hacore.core.joining import Hall, may_form
from hacore.core.membership import is_member
from hacore.core.paxos import Judgement, Round, accepted, enough, judge, readable
from hacore.core.survival import Sight, Verdict, survive
from hacore.records import Block, Decision


def sighted_ns(started_ns: int, completed_ns: int) -> int:
    """Return when a sequence shown first by this read counts as sighted: at the read's completion (§2)."""
    del started_ns
    return completed_ns


@dataclass(frozen=True, slots=True)
class Rules:
    """One callable for each decision; each says in its own docstring what it decides."""

    sighted_ns: Callable[[int, int], int]  # (started, completed)
    enough: Callable[[int], bool]  # (copies its block stands on): whether the phase may be judged
    readable: Callable[[int], bool]  # (doubted): whether a Paxos round may go on
    judge: Callable[[Round, Sequence[Block]], Judgement]  # (round, blocks by host)
    accepted: Callable[[int, Iterable[Block]], Decision | None]  # (epoch, blocks)
    is_member: Callable[[Decision, int, int], bool]  # (decision, host, incarnation)
    survive: Callable[[int, int, Sight, str], Verdict]  # (members, leader, sight, isolation)
    certainly_dead: Callable[[DeadEvidence], bool]
    granted_since_ns: Callable[[Grant], int]  # 0: not granted
    may_act: Callable[[int, int, int], bool]  # (now, last grant sent, silence)
    may_form: Callable[[Hall], bool]


RULES = Rules(
    sighted_ns=sighted_ns,
    enough=enough,
    readable=readable,
    judge=judge,
    accepted=accepted,
    is_member=is_member,
    survive=survive,
    certainly_dead=certainly_dead,
    granted_since_ns=granted_since_ns,
    may_act=may_act,
    may_form=may_form,
)
