"""Who restarts where when there is only so much room: all if possible, else the best part.

Best, in this order: most VMs of the first turn, then of the second, …; then most memory of the protected
ones; then most best-effort VMs beside these, turn by turn; then balance (`spread`). A turn is a class of VMs
that start together. Even if the limit comes before the proof, nobody is left for whom there is room, nor for
the sake of a later turn (`settle`). Speaks in integers; knows no pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hacore.clock import Deadline, Stopwatch
from planner.placement import leaf
from planner.placement.packing import Instance, Open, Outcome, Packed
from planner.placement.settle import fill, settle
from planner.placement.spread import NOWHERE, Load, Piece, Room, even, spread
from planner.placement.wishes import Kind, Wish, assigned, kinds_of, merged
from planner.results import SolverUse

if TYPE_CHECKING:
    from planner.placement.partial import Ceiling


@dataclass(frozen=True, slots=True)
class Shortfall:
    """By how much a recovery may fall short of the best: VMs of a turn, or bytes of memory (`turn` None).

    In all turns before nothing better exists.
    """

    turn: int | None
    placed: int
    at_most: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """A host index or NOWHERE for each wish; `proven`: no better choice of protected VMs exists.

    `gap`: where it is not proven, the first of its aims that may be missed, and by how much at most.
    """

    to: tuple[int, ...]
    proven: bool
    solver: SolverUse
    gap: Shortfall | None = None


def recover(
    wishes: Sequence[Wish], room: Room, deadline: Deadline, *, numbers_only: bool = False
) -> Recovery:
    """Return the best placement of `wishes` that is found before the deadline.

    With `numbers_only` it is best by the numbers of protected VMs, `proven` speaks of these, and it is not
    balanced.
    """
    empty = Load(room)
    hopeful = [i for i, wish in enumerate(wishes) if _fits_alone(wish.piece, empty)]
    recovery = _recover([wishes[i] for i in hopeful], room, deadline, numbers_only)
    to = [NOWHERE] * len(wishes)
    for i, host in zip(hopeful, recovery.to, strict=True):
        to[i] = host
    return replace(recovery, to=tuple(to))


def _fits_alone(piece: Piece, empty: Load) -> bool:
    return any(piece.hosts >> h & 1 and empty.fits(piece, h) for h in range(len(empty.free)))


def _recover(wishes: Sequence[Wish], room: Room, deadline: Deadline, numbers_only: bool) -> Recovery:
    pieces = [wish.piece for wish in wishes]
    to = spread(pieces, room)
    if NOWHERE not in to:
        return Recovery(tuple(to if numbers_only else even(pieces, to, room)), True, SolverUse())
    search = _Search(wishes, room, deadline, numbers_only)
    to, proven = search.run()
    if numbers_only:
        fill(wishes, to, room)
    else:
        to = settle(wishes, to, room)
    gap = None if proven else _gap(wishes, to, search.ceilings)
    return Recovery(tuple(to), proven or gap is None, search.use, gap)


def _gap(wishes: Sequence[Wish], to: Sequence[int], ceilings: Sequence[Ceiling]) -> Shortfall | None:
    """Return the first aim that is below its ceiling; None if none is: then it is the best after all.

    Ceilings hold for everything that is at least as good in the aims before.
    """
    for ceiling in ceilings:
        placed = [w for w, host in zip(wishes, to, strict=True) if host != NOWHERE and w.protected]
        if ceiling.turn is None:
            reached = sum(wish.piece.need_bytes for wish in placed)
        else:
            reached = sum(wish.turn == ceiling.turn for wish in placed)
        if reached < ceiling.at_most:
            return Shortfall(ceiling.turn, reached, ceiling.at_most)
    return None


class _Search:
    """What plain spreading left open, with the account of what the solver was asked."""

    def __init__(self, wishes: Sequence[Wish], room: Room, deadline: Deadline, numbers_only: bool) -> None:
        self.wishes = wishes
        self.room = room
        self.deadline = deadline
        self.numbers_only = numbers_only
        self.kinds = kinds_of(wishes)
        self.turns = sorted({wish.turn for wish in wishes})
        self.known: dict[Instance, Outcome] = {}
        self.use = SolverUse()
        self.ceilings: tuple[Ceiling, ...] = ()

    def run(self) -> tuple[list[int], bool]:
        """Return a placement and whether it is proven best for the protected VMs."""
        full, to = self._full_turns()
        if full == len(self.turns):
            return to, True
        fill(self.wishes, to, self.room)
        return self._best_part(to)

    def _full_turns(self) -> tuple[int, list[int]]:
        """Return how many of the first turns are placed in full, with a placement of just these.

        Bisection: what fits in full still fits when later turns are left out. All turns and all protected
        turns are tried first.
        """
        protected = len({wish.turn for wish in self.wishes if wish.protected})
        probes = [len(self.turns), protected]
        full, best, excluded = 0, [NOWHERE] * len(self.wishes), len(self.turns) + 1
        while excluded - full > 1:
            probe = probes.pop(0) if probes else (full + excluded) // 2
            if not full < probe < excluded:
                continue
            to = self._all_of(self.turns[:probe])
            if to is None:
                excluded = probe
            else:
                full, best = probe, to
        return full, best

    def _all_of(self, turns: Sequence[int]) -> list[int] | None:
        """Return a placement of all in `turns` and of nobody else; None if none is found."""
        kinds = [kind for kind in self.kinds if kind.wish.turn in turns]
        to = self._spread(kinds)
        if all(to[member] != NOWHERE for kind in kinds for member in kind.members):
            return to
        instance, joined = merged(kinds, self.room)
        outcome = self._decide(instance)
        return assigned(joined, outcome.counts, len(self.wishes)) if isinstance(outcome, Packed) else None

    def _spread(self, kinds: Sequence[Kind]) -> list[int]:
        to = [NOWHERE] * len(self.wishes)
        members = sorted(member for kind in kinds for member in kind.members)
        hosts = spread([self.wishes[member].piece for member in members], self.room)
        for member, host in zip(members, hosts, strict=True):
            to[member] = host
        return to

    def _decide(self, instance: Instance) -> Outcome:
        if instance in self.known:
            return self.known[instance]
        watch = Stopwatch.start(self.deadline.clock)
        # Half of what is left: what is cut off here is asked again as a choice of the best part.
        share = self.deadline.part(1 / 2)
        outcome = leaf.decide(instance, share)
        if outcome.method != "greedy":
            self._account(1, watch.seconds(), isinstance(outcome, Open))
        self.known[instance] = outcome
        return outcome

    def _best_part(self, to: list[int]) -> tuple[list[int], bool]:
        from planner.placement.partial import best_part

        watch = Stopwatch.start(self.deadline.clock)
        asked_before = self.use.seconds
        part = best_part(
            self.wishes, to, self.room, self.deadline, self._decide, numbers_only=self.numbers_only
        )
        own_seconds = watch.seconds() - (self.use.seconds - asked_before)
        self._account(part.calls, own_seconds if part.calls else 0.0, not part.all_proven)
        self.ceilings = part.ceilings
        return part.to, part.proven

    def _account(self, calls: int, seconds: float, limit_reached: bool) -> None:
        use = self.use
        self.use = SolverUse(use.calls + calls, use.seconds + seconds, use.limit_reached or limit_reached)
