"""Disk Paxos: its steps, and all interleavings of small worlds. With a broken rule agreement must fail."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hacore.core.paxos import Judgement, Proposer, Round, accepted, enough, judge, next_ballot, readable
from hacore.records import EMPTY_BLOCK, MAX_HOSTS, Block, Cause, Decision

EPOCH = 5


def value(of: int) -> Decision:
    return Decision(EPOCH, 1 << of, (0,) * 3, of, Cause.JOINED)


# --- steps


def test_a_higher_mbal_or_a_later_instance_beats_a_round():
    asking = Round(1, EPOCH, 65, 1, None)
    assert judge(asking, [Block(EPOCH, 65, 0, None), EMPTY_BLOCK]) is Judgement.DONE
    assert judge(asking, [EMPTY_BLOCK, Block(EPOCH, 66, 0, None)]) is Judgement.BEATEN
    assert judge(asking, [Block(EPOCH + 1, 1, 0, None)]) is Judgement.BEATEN
    assert judge(asking, [Block(EPOCH - 1, 999, 999, value(1))]) is Judgement.DONE


def test_the_value_of_the_highest_bal_is_taken():
    blocks = [Block(EPOCH, 9, 2, value(0)), Block(EPOCH, 3, 3, value(1)), Block(EPOCH - 1, 99, 99, value(2))]
    assert accepted(EPOCH, blocks) == value(1)
    assert accepted(EPOCH + 1, blocks) is None


def test_one_doubted_block_is_one_too_many():
    assert readable(0)
    assert not readable(0b1000)


def test_one_write_is_not_enough():
    assert [enough(writes) for writes in range(4)] == [False, False, True, True]


@given(
    st.lists(st.integers(0, 10**6), max_size=8),
    st.integers(0, MAX_HOSTS - 1),
    st.integers(0, 10**6),
)
def test_ballots_are_unique_and_above_all_seen(mbals, me, floor):
    ballot = next_ballot(EPOCH, [Block(EPOCH, mbal, 0, None) for mbal in mbals], me, floor)
    assert ballot > max([*mbals, floor])
    assert ballot % MAX_HOSTS == (me + 1) % MAX_HOSTS
    assert ballot - MAX_HOSTS <= max([*mbals, floor], default=0)


def test_a_phase_two_is_unresolved_until_it_is_judged():
    proposer = Proposer(0)
    proposer.ask(EPOCH, [], 1)
    assert not proposer.unresolved
    proposer.propose(value(0), 2)
    assert proposer.unresolved
    proposer.drop()
    assert proposer.block == Block(EPOCH, 1, 1, value(0)), "a promise stays"
    assert not proposer.unresolved


def test_a_successor_uses_no_ballot_of_its_predecessor():
    proposer = Proposer(0)
    proposer.take_over(Block(EPOCH, 1, 0, None), same_boot=True)
    proposer.ask(EPOCH, [], 1)
    assert proposer.round.ballot == 1 + 2 * MAX_HOSTS
    assert proposer.unresolved


# --- all interleavings

Judge = Callable[[Round, Sequence[Block]], Judgement]
Accepted = Callable[[int, Sequence[Block]], Decision | None]


@dataclass
class Actor:
    """One proposer between two steps: it writes, then reads one slot after the other."""

    proposer: Proposer
    left: int  # rounds it may still start
    restarts: int
    stage: int = -2  # −2: idle, −1: about to write, k: reads slot k next
    seen: tuple[Block, ...] = ()

    def key(self) -> tuple[object, ...]:
        made = self.proposer
        return (made.block, made.round, made._floor, self.left, self.restarts, self.stage, self.seen)


@dataclass
class World:
    """Slots of one disk, and who writes them; one copy a slot, for writes are whole here."""

    slots: list[Block]
    actors: list[Actor]
    judge: Judge
    accepted: Accepted
    forgetful: bool
    decided: set[Decision] = field(default_factory=set)

    def key(self) -> tuple[object, ...]:
        return (*self.slots, *(actor.key() for actor in self.actors), frozenset(self.decided))

    def steps(self) -> Iterator[tuple[int, str]]:
        for index, actor in enumerate(self.actors):
            if actor.stage == -2:
                if actor.left:
                    yield index, "ask"
            else:
                yield index, "go on"
                if actor.stage == -1:
                    yield index, "land unknown"  # reported as failed: it will be written again
            if actor.restarts:
                yield index, "restart"

    def after(self, index: int, step: str) -> World:
        world = World(
            list(self.slots), list(self.actors), self.judge, self.accepted, self.forgetful, set(self.decided)
        )
        actor = world.actors[index] = copy.copy(self.actors[index])
        actor.proposer = copy.copy(actor.proposer)
        if step == "ask":
            actor.proposer.ask(EPOCH, world.slots, 1)
            actor.stage, actor.left = -1, actor.left - 1
        elif step == "restart":
            actor.proposer = Proposer(index)
            actor.proposer.take_over(EMPTY_BLOCK if self.forgetful else world.slots[index], same_boot=True)
            actor.stage, actor.restarts, actor.seen = -2, actor.restarts - 1, ()
            actor.left = max(actor.left, 1)
        else:
            world._go_on(index, actor, known=step == "go on")
        return world

    def _go_on(self, index: int, actor: Actor, *, known: bool) -> None:
        if actor.stage == -1:
            self.slots[index] = actor.proposer.block
            actor.stage, actor.seen = (0 if known else -1), ()
            return
        actor.seen = (*actor.seen, self.slots[actor.stage])
        actor.stage += 1
        if actor.stage == len(self.slots):
            self._end_of_phase(index, actor)

    def _end_of_phase(self, index: int, actor: Actor) -> None:
        proposer, round_ = actor.proposer, actor.proposer.round
        blocks, actor.seen = actor.seen, ()
        if self.judge(round_, blocks) is Judgement.BEATEN:
            proposer.drop()
            actor.stage = -2
        elif round_.phase == 1:
            proposer.propose(self.accepted(EPOCH, (*blocks, proposer.block)) or value(index), 1)
            actor.stage = -1
        else:
            self.decided.add(round_.value)
            proposer.drop()
            actor.stage, actor.left = -2, 0


def disagreement(
    proposers: int,
    rounds: int,
    restarts: int = 0,
    judge: Judge = judge,
    accepted: Accepted = accepted,
    *,
    forgetful: bool = False,
) -> tuple[bool, int]:
    """Explore everything that can happen; return whether two values were decided, and how many states."""
    actors = [Actor(Proposer(index), rounds, restarts if not index else 0) for index in range(proposers)]
    first = World([EMPTY_BLOCK] * proposers, actors, judge, accepted, forgetful)
    known, todo = {first.key()}, [first]
    while todo:
        world = todo.pop()
        if len(world.decided) > 1:
            return True, len(known)
        for index, step in world.steps():
            following = world.after(index, step)
            key = following.key()
            if key not in known:
                known.add(key)
                todo.append(following)
    return False, len(known)


@pytest.mark.parametrize(
    ("proposers", "rounds", "restarts", "states"), [(2, 2, 0, 500), (2, 2, 1, 2_000), (3, 1, 0, 40_000)]
)
def test_nobody_ever_decides_differently(proposers, rounds, restarts, states):
    differ, explored = disagreement(proposers, rounds, restarts)
    assert not differ
    assert explored > states, "the world is smaller than it was meant to be"


def test_skipping_the_read_breaks_agreement():
    assert disagreement(2, 1, judge=lambda round_, blocks: Judgement.DONE)[0]


def test_proposing_only_the_own_wish_breaks_agreement():
    assert disagreement(2, 2, accepted=lambda epoch, blocks: None)[0]


def test_forgetting_the_own_block_breaks_agreement():
    """A daemon that starts anew has to go on with the block in its slot."""
    assert disagreement(2, 1, 1, forgetful=True)[0]


def test_passing_over_a_block_breaks_agreement():
    assert disagreement(
        2,
        2,
        judge=lambda round_, blocks: judge(round_, blocks[:1]),
        accepted=lambda epoch, blocks: accepted(epoch, [blocks[0], blocks[-1]]),
    )[0]


def test_a_copy_that_a_ghost_may_reach_by_now_carries_no_phase():
    mine = Proposer(0)
    mine.ask(5, [], 1)
    mine.written(1, 3, burnt=0)
    mine.written(1, 4, burnt=1 << 3)
    assert mine.round is not None
    assert mine.round.stands_on == 1
