"""Deliberate protocol bugs: each replaces one rule of the machine or twin of the pump; all must be found.

A mutant names the worlds that bring it to light soonest; the same worlds without it must be clean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hacore.core.fencing import DeadEvidence, certainly_dead
from hacore.core.grants import Grant, granted_since_ns
from hacore.core.joining import Hall, may_form
from hacore.core.paxos import Judgement
from hacore.core.rules import RULES, Rules
from hacore.kernel._pump import CopyTurn
from hacore.records import Block, Decision
from hacore.testing import profiles
from hacore.testing.mix import draw
from hacore.testing.plan import Plan
from hacore.testing.twins import TWINS, Twins


def _anything(seed: str) -> Plan:
    """Return a world of the general mix."""
    return draw(seed, range(2, 9))


@dataclass(frozen=True, slots=True)
class Mutant:
    """A bug, and the worlds that bring it to light soonest."""

    says: str
    rules: Rules = RULES
    twins: Twins = TWINS
    profile: profiles.Profile = _anything


NO_MUTANT = Mutant("keeps every rule")


# --- rules of the machine ------------------------------------------------------------------------------


def _own_value_only(epoch: int, blocks: Iterable[Block]) -> Decision | None:
    del epoch, blocks
    return None


def _dead_when_confirmed(seen: DeadEvidence) -> bool:
    return bool(seen.confirmed_ns) or certainly_dead(seen)


def _dead_when_removed(seen: DeadEvidence) -> bool:
    return bool(seen.removed_ns) or certainly_dead(seen)


def _whenever_it_came(grant: Grant) -> int:
    return grant.heard_ns if granted_since_ns(grant) else 0


def _of_any_epoch(grant: Grant) -> int:
    return grant.echo_ns if grant.body.grants >> grant.me & 1 else 0


def _beside_members(hall: Hall) -> bool:
    return may_form(replace(hall, liveset=hall.liveset & (hall.joining | hall.silent | hall.excluded)))


def _on_silence_alone(hall: Hall) -> bool:
    return may_form(replace(hall, rested=hall.joining))


def _by_index(decided: Decision, host: int, incarnation: int) -> bool:
    del incarnation
    return bool(decided.liveset >> host & 1)


# --- twins of the pump ---------------------------------------------------------------------------------


def _good_unwritten(published: bool, written: bool, read: bool, sequence: int, shown: int) -> bool:
    del published, written, sequence, shown
    return read


def _good_unread(published: bool, written: bool, read: bool, sequence: int, shown: int) -> bool:
    del sequence, shown
    return written if published else read


class _Forgetful(CopyTurn):
    """Takes a copy on which a write failed for as good as any."""

    def ended(self, copy: int, worked: bool, started_ns: int, ended_ns: int) -> None:
        del worked, started_ns, ended_ns
        self.last = copy


def _forgetful(turn: CopyTurn) -> CopyTurn:
    return _Forgetful(0, last=turn.last)


MUTANTS: dict[str, Mutant] = {
    "skip_paxos_read": Mutant(
        "takes nobody's block for its business: every round is done, no accepted value is seen",
        replace(RULES, judge=lambda round_, blocks: Judgement.DONE, accepted=_own_value_only),
        profile=profiles.rival_proposers,
    ),
    "skip_bad_block": Mutant(
        "goes on with a round though a block cannot be believed",
        replace(RULES, readable=lambda doubted: True),
        profile=profiles.decider_and_slot_are_lost,
    ),
    "one_write": Mutant(
        "takes a phase for done when its block stands on one copy only",
        replace(RULES, enough=lambda writes: writes >= 1),
        profile=profiles.decider_and_copy_are_lost,
    ),
    "rearm_unwritten": Mutant(
        "re-arms when a write was begun, whatever becomes of it",
        twins=replace(TWINS, counts=lambda worked, clean: True, read_good=_good_unwritten),
        profile=profiles.writes_fail,
    ),
    "rearm_unread": Mutant(
        "re-arms by a write alone",
        twins=replace(TWINS, read_good=_good_unread),
        profile=profiles.blind_and_isolated,
    ),
    "sight_at_start": Mutant(
        "counts silence from the start of the read that first showed a sequence",
        replace(RULES, sighted_ns=lambda started_ns, completed_ns: started_ns),
        profile=profiles.long_read,
    ),
    "reuse_ghosted_copy": Mutant(
        "gives every copy back at once on which a write failed",
        twins=replace(TWINS, turn=_forgetful),
        profile=profiles.ghosts,
    ),
    "grants_without_echo": Mutant(
        "counts a grant from when it arrived",
        replace(RULES, granted_since_ns=_whenever_it_came),
        profile=profiles.grants_wait,
    ),
    "grants_without_epoch": Mutant(
        "takes a grant of another epoch",
        replace(RULES, granted_since_ns=_of_any_epoch),
        profile=profiles.join_while_storage_goes,
    ),
    "cold_start_beside_member": Mutant(
        "forms a liveset though a member may live",
        replace(RULES, may_form=_beside_members),
        profile=profiles.one_member_left,
    ),
    "cold_start_beside_grants": Mutant(
        "takes silence on disk for the end of members that live on grants of one that has just rebooted",
        replace(RULES, may_form=_on_silence_alone),
        profile=profiles.heir_reboots_fast,
    ),
    "dead_at_confirmation": Mutant(
        "declares dead whoever has confirmed its removal, at once",
        replace(RULES, certainly_dead=_dead_when_confirmed),
        profile=profiles.isolated,
    ),
    "dead_at_removal": Mutant(
        "declares dead whoever was left out, at once",
        replace(RULES, certainly_dead=_dead_when_removed),
        profile=profiles.isolated,
    ),
    "acts_when_storage_is_back": Mutant(
        "proposes and declares as soon as storage is back, while others live on its grants",
        replace(RULES, may_act=lambda now_ns, granted_ns, silence_ns: True),
        profile=profiles.storage_back_for_one,
    ),
    "sleep_uncounted": Mutant(
        "reads a clock that stands still while the machine is suspended",
        twins=replace(TWINS, clock_sleeps=True),
        profile=profiles.suspended,
    ),
    "member_by_index": Mutant(
        "takes itself for a member after a reboot, for its index is one",
        replace(RULES, is_member=_by_index),
        replace(TWINS, member=_by_index),
        profile=profiles.fast_reboot,
    ),
}
