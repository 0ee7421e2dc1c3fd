"""Who was left out: when it is certainly dead (MEMBERSHIP §4, G1), and how it goes itself. Must never guess.

Certain is only: it rebooted; it fell silent; its lease has run out since my own slot was read back with the
removal in it; or it has cut its lease, said so, and its watchdog has had its time since. Who says so is given
that time whatever the removal's: it may be a daemon that came up just now and armed what had been closed. A
host without fencing is certain only when it was seen rebooted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hacore.records import Cause


@dataclass(frozen=True, slots=True)
class DeadEvidence:
    """What is known of a host that the newest epoch leaves out."""

    now_ns: int
    read_ns: int  # when the newest good read started: what it says may be as old as that
    armed: bool  # it is fenced if its lease ends
    rebooted: bool  # its slot shows another incarnation than the member's
    silent: bool  # it holds no lease: as of a read after my slot showed the removal
    removed_ns: int  # when a read of my own slot with the removal in it completed; 0: not yet
    leased_by_disk: bool  # its lease needs to read the newest epoch (quorum "disk")
    confirmed_ns: int  # when its slot was first read FENCING: its lease is cut; 0: it was not
    silence_ns: int
    confirmation_ns: int  # how long its watchdog may still be kept quiet by pings that were on their way


def certainly_dead(seen: DeadEvidence) -> bool:
    """Tell whether the host runs no VM any more."""
    if seen.rebooted:
        return True
    if not seen.armed or not seen.removed_ns:
        return False
    if seen.silent:
        return True
    if seen.confirmed_ns:
        return seen.now_ns - seen.confirmed_ns > seen.confirmation_ns
    return seen.leased_by_disk and seen.read_ns - seen.removed_ns > seen.silence_ns


class Going(Enum):
    """How a member goes that an epoch leaves out."""

    LEAVE = "leave"  # it asked, and was let go
    SAY_THEN_LEAVE = "say, then leave"  # it must have been let go by an epoch it did not see
    FENCE = "fence"
    JOIN = "join"  # unarmed: nobody takes it for dead


@dataclass(frozen=True, slots=True)
class Farewell:
    """What a member knows that an epoch leaves out."""

    leaving: bool  # it had asked to be left out
    open: bool  # its watchdog
    cause: Cause
    direct: bool  # the epoch follows on one with it
    young: bool  # nobody can have found it silent


def how_to_go(farewell: Farewell) -> Going:
    """Decide how to go.

    Whoever asked to leave is left out for nothing else while it is not silent. So if it skipped an epoch, it
    was let go by one it did not see; whoever saw that, or reads that it is EXCLUDED, does not take it for
    dead. It says so first, under a lease that is no longer renewed.
    """
    if not farewell.open:
        return Going.LEAVE if farewell.leaving else Going.JOIN
    if farewell.leaving and farewell.direct and farewell.cause is Cause.LEFT:
        return Going.LEAVE
    if farewell.leaving and not farewell.direct and farewell.young:
        return Going.SAY_THEN_LEAVE
    return Going.FENCE
