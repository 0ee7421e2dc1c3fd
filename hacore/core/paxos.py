"""Disk Paxos for one epoch (Gafni & Lamport 2003, §3; MEMBERSHIP §4): what a complete cycle says of a round.

A round writes its block, then reads the blocks of *all configured* hosts: one that cannot be read or believed
stops it. The own block never goes back, written or not: a write that failed may still land. Must never skip a
block, and never take a block of another epoch for one of this instance.

A phase counts once its block stands on *two* copies that no failed write may reach, and a read after that: a
copy that is destroyed later (misdirected write, bad sector) looks like the one incomplete write that readers
pass over.

| phase | a complete cycle says | then |
|---|---|---|
| any | its block stands on one copy | write it again |
| 1 | DONE | propose the value of the highest bal, else my wish; no wish any more: drop the round |
| 2 | DONE | decided |
| any | BEATEN | drop the round; a higher ballot later |
| any | the cycle failed, or a block is doubted | wait; phase 2 may have decided: *unresolved* |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from hacore.records import EMPTY_BLOCK, MAX_HOSTS, Block, Decision


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
    copies: int = 0  # mask: on which it stands

    @property
    def stands_on(self) -> int:
        """Return on how many copies its block stands."""
        return self.copies.bit_count()


def enough(copies: int) -> bool:
    """Tell whether a block on so many copies cannot be undone by the loss of any one."""
    return copies >= 2


def readable(doubted: int) -> bool:
    """Tell whether a round may be judged by this read: every block must be believed (never skip one)."""
    return doubted == 0


def judge(round_: Round, blocks: Sequence[Block]) -> Judgement:
    """Judge a phase by the blocks of all configured hosts, read after the own block was written."""
    for block in blocks:
        if block.epoch > round_.epoch or (block.epoch == round_.epoch and block.mbal > round_.ballot):
            return Judgement.BEATEN
    return Judgement.DONE


def accepted(epoch: int, blocks: Iterable[Block]) -> Decision | None:
    """Return the value of the highest bal of this instance: it may have been decided; None: nothing was."""
    proposals = [block for block in blocks if block.epoch == epoch and block.value is not None]
    return max(proposals, key=lambda block: block.bal).value if proposals else None


def next_ballot(epoch: int, blocks: Iterable[Block], me: int, floor: int = 0) -> int:
    """Return my lowest ballot above `floor` and every mbal seen in this instance: round · 64 + me + 1."""
    highest = max((block.mbal for block in blocks if block.epoch == epoch), default=0)
    highest = max(highest, floor)
    ballot = highest // MAX_HOSTS * MAX_HOSTS + me + 1
    return ballot if ballot > highest else ballot + MAX_HOSTS


class Proposer:
    """My rounds: at most one at a time, and never one more while its end is unknown."""

    def __init__(self, me: int) -> None:
        self._me = me
        self._floor = 0
        self.block: Block = EMPTY_BLOCK
        self.round: Round | None = None
        self.resuming = False
        """A predecessor of this boot may have left something behind that was not read yet."""

    @property
    def unresolved(self) -> bool:
        """Tell whether something of mine may have been decided, and I cannot know yet."""
        return self.resuming or (self.round is not None and self.round.phase == 2)

    def take_over(self, block: Block, *, same_boot: bool) -> None:
        """Go on with the block found in the own slot: a promise outlives the daemon, and the boot.

        The predecessor's last write may have been under way: its ballot must not be used twice.
        """
        self.block = block
        self.resuming = same_boot
        if same_boot:
            self._floor = block.mbal + MAX_HOSTS

    def ask(self, epoch: int, blocks: Iterable[Block], version: int) -> None:
        """Start a round with a ballot above all that were seen; `version` will carry it."""
        mine = self.block if self.block.epoch == epoch else EMPTY_BLOCK
        ballot = next_ballot(epoch, (*blocks, mine), self._me, self._floor)
        self.block = Block(epoch, ballot, mine.bal, mine.value)
        self.round = Round(1, epoch, ballot, version, None)

    def written(self, version: int, copy: int, burnt: int) -> None:
        """Take in a good write of this publication to a copy, and which copies (mask) a ghost may reach."""
        if self.round is not None and version >= self.round.version:
            self.round = replace(self.round, copies=(self.round.copies | 1 << copy) & ~burnt)

    def propose(self, value: Decision, version: int) -> None:
        """Go on to phase 2 with this value."""
        assert self.round is not None
        assert self.round.phase == 1
        epoch, ballot = self.round.epoch, self.round.ballot
        self.block = Block(epoch, ballot, ballot, value)
        self.round = Round(2, epoch, ballot, version, value)

    def drop(self) -> None:
        """End the round; what the block promised stays promised."""
        self.round = None

    def close(self, epoch: int) -> None:
        """Forget the instances of epochs that are decided."""
        if self.block.epoch <= epoch:
            self.block, self._floor = EMPTY_BLOCK, 0
            self.round = None
