"""Disk Paxos for one epoch (Gafni & Lamport 2003, §3; MEMBERSHIP §4): what a complete cycle says of a round.

A round writes its block, then reads the blocks of *all configured* hosts: one that cannot be read or believed
stops it. The own block never goes back, written or not: a write that failed may still land. Must never skip a
block, and never take a block of another epoch for one of this instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from hacore.records import MAX_HOSTS, Block, Decision


class Judgement(Enum):
    """What becomes of a phase after a complete cycle."""

    DONE = "done"  # nobody is ahead: phase 1 may choose its value, phase 2 has decided
    BEATEN = "beaten"  # somebody has a higher ballot in this instance, or is in a later one


@dataclass(frozen=True, slots=True)
class Round:
    """A phase of mine that is on its way to the disk."""

    phase: int  # 1: asking, 2: proposing
    epoch: int  # of the instance
    ballot: int
    version: int  # the first publication that carries its block
    value: Decision | None  # what phase 2 proposes


def readable(doubted: int) -> bool:
    """Tell whether a round may be judged by this read: every block must be believed (never skip one)."""
    return doubted == 0


def judge(round_: Round, blocks: Sequence[Block | None]) -> Judgement:
    """Judge a phase by the blocks of all configured hosts, read after the own block was written."""
    for block in blocks:
        if block is None:
            continue
        if block.epoch > round_.epoch or (block.epoch == round_.epoch and block.mbal > round_.ballot):
            return Judgement.BEATEN
    return Judgement.DONE


def accepted(epoch: int, blocks: Iterable[Block | None]) -> Decision | None:
    """Return the value of the highest bal of this instance: it may have been decided; None: nothing was."""
    mine = [
        block for block in blocks if block is not None and block.epoch == epoch and block.value is not None
    ]
    return max(mine, key=lambda block: block.bal).value if mine else None


def next_ballot(epoch: int, blocks: Iterable[Block | None], me: int) -> int:
    """Return my lowest ballot above every mbal seen in this instance: round · 64 + me + 1."""
    highest = max((block.mbal for block in blocks if block is not None and block.epoch == epoch), default=0)
    ballot = highest // MAX_HOSTS * MAX_HOSTS + me + 1
    return ballot if ballot > highest else ballot + MAX_HOSTS
