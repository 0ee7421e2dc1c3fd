"""What the machine shows of itself: to status snapshot, controller and checkers. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hacore.core.words import Waiting
from hacore.records import Decision, FenceCause, State


class Mode(StrEnum):
    """What this host lives on just now."""

    DISK = "disk"
    GRANTS = "grants"  # nobody has storage, everybody grants everybody
    MAJORITY = "majority"


@dataclass(frozen=True, slots=True)
class View:
    """One moment of the machine. Masks have bit i for host i."""

    state: State
    since_ns: int  # when this state began
    decided: Decision  # the newest epoch known; its liveset, leader and cause
    armed: bool  # the watchdog is open: this host is fenced if its lease ends
    disarming: bool  # it is open until others can read that it will not be
    dead: int  # mask: certainly run no VM; only these may be restarted elsewhere (G1)
    condemned: int  # mask: left out of the newest epoch, and not yet certainly dead
    uncertain: int  # mask: of `condemned`, those without fencing: an operator must see to them
    mode: Mode
    storage: bool  # my writes and reads work
    degraded: bool  # members do not all hear each other, and nobody is to be fenced for it
    unresolved: bool  # a proposal of mine may have been decided, and I cannot know yet
    row: int  # mask: whom I hear, myself included
    silent: int  # mask: whose slot has not moved for a silence
    lived_ns: int  # S: my deadline is this plus T; 0: no good cycle yet
    granted_ns: int  # the oldest stamp among the grants I live on; 0: none
    carrier: bool
    arbiters: int
    weight: int
    leader_wish: int
    copies_left: int
    doubted: int  # mask: whose slots cannot be believed
    foreign: bool  # the own slot showed something other than what was written
    fence: FenceCause  # of this fencing, or of the last reboot
    waiting: Waiting

    @property
    def epoch(self) -> int:
        """Return the number of the newest epoch known."""
        return self.decided.epoch

    @property
    def liveset(self) -> int:
        """Return the mask of the members."""
        return self.decided.liveset

    @property
    def leader(self) -> int:
        """Return the index of the leader, or NOBODY."""
        return self.decided.leader
