"""Repair: the fewest, then lightest migrations that reach the target, or the proof that none do.

Puts the parts together (DESIGN §5.5, TOLERANCE §7): what nothing helps (`refute`), one move, some moves, the
fewest moves (`search`, `descent`), and what else would help (`remedy`). Moves are judged by the independent
verifier, and what they reach is worked out again from the pool they lead to, before anybody sees them.
"""

from __future__ import annotations

from dataclasses import dataclass

from hacore.clock import Clock, Deadline, Stopwatch
from planner.constraints.memory import applied
from planner.constraints.rules import NO_RULES, Rules
from planner.drain import pool_after
from planner.errors import PlanRejected
from planner.model import Pool
from planner.placement.problem import problem_of
from planner.placement.verify_moves import verify_moves
from planner.repair.descent import descend
from planner.repair.judge import Judge
from planner.repair.order import Order, Orders
from planner.repair.refute import hopeless, least_moves
from planner.repair.remedy import cheapest_purchase, fewest_demotions
from planner.repair.result import Purchase, Repair
from planner.repair.search import Search
from planner.repair.yard import Yard
from planner.results import Move

FIRST_SHARE = 0.5
"""Share of the limit for a single move; of the rest for some moves; of the rest for what is bought."""


def repair(
    pool: Pool,
    *,
    target: int | None = None,
    limit_seconds: float = 10.0,
    clock: Clock,
    rules: Rules = NO_RULES,
) -> Repair:
    """Return how the target is reached; after `limit_seconds` what is known by then, said to be so.

    `target` None: the pool's own, or 0 if it has none. Migrations and what else helps may each take the
    limit. `rules`: what counts beside memory, reach and enforced groups. Raises PlanRejected if the verifier
    refuses the moves: a bug.
    """
    watch = Stopwatch.start(clock)
    wanted = target if target is not None else pool.target or 0
    seen, left = applied(pool, rules)
    found = _moves(Yard.of(seen, left), wanted, Deadline.after(clock, limit_seconds))
    if found.moves and not _check(pool, rules, found.moves, wanted, Deadline.after(clock, limit_seconds)):
        found = _Found(None)
    buy: tuple[Purchase | None, bool] = (None, False)
    demote: tuple[tuple[str, ...] | None, bool] = (None, False)
    if found.possible is False:
        first = Deadline.after(clock, limit_seconds * FIRST_SHARE)
        buy = cheapest_purchase(seen, left, wanted, Judge(first))
        rest = Deadline.after(clock, limit_seconds * FIRST_SHARE)
        demote = fewest_demotions(problem_of(seen, left), wanted, Judge(rest))
    return Repair(
        wanted, found.possible, found.minimal, found.safe, found.moves, *buy, *demote, watch.seconds()
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """The migrations part of an answer."""

    possible: bool | None
    minimal: bool = False
    safe: bool = False
    moves: tuple[Move, ...] = ()


def _moves(yard: Yard, wanted: int, deadline: Deadline) -> _Found:
    judge = Judge(deadline)
    ruling = judge.ask(yard.problem, wanted)
    if ruling.holds:
        return _Found(True, minimal=True, safe=True)
    if hopeless(yard, wanted):
        return _Found(False)
    if ruling.lost is None:
        return _Found(None)
    orders = Orders(yard, judge, ruling.lower)
    return _Hunt(yard, judge, orders, wanted).hunt()


@dataclass(slots=True)
class _Hunt:
    """The numbers of moves, one after the other, with some moves at hand."""

    yard: Yard
    judge: Judge
    orders: Orders
    wanted: int
    some: Order | None = None

    def hunt(self) -> _Found:
        search = Search(self.yard, self.judge, self.orders, self.wanted)
        number = max(1, least_moves(self.yard, (), self.wanted))
        if number == 1:
            more = self._with_share(search, 1)
            if search.best is not None:
                return self._said(search.best, minimal=True)
            if not more:
                return self._nothing(search)
            number = 2
        unsettled = search.open
        self._find_some()
        most = sum(len(group.vms) for group in self.yard.groups)
        while number <= most and not self.judge.deadline.passed():
            if self.some is not None and number > len(self.some.moves):
                break
            if self.some is not None and number == len(self.some.moves):
                search.best = self.some
            more = search.look(number)
            if search.best is not None:
                few = search.stuck is None or len(search.best.moves) <= search.stuck + 1
                return self._said(search.best, minimal=few and not unsettled)
            unsettled = unsettled or search.open
            if not more:
                return self._nothing(search)
            number += 1
        if self.some is not None:
            proven = not unsettled and search.stuck is None and number >= len(self.some.moves)
            return self._said(self.some, minimal=proven)
        return _Found(None) if number <= most else self._nothing(search)

    def _with_share(self, search: Search, number: int) -> bool:
        """Look at one number within a share of the time: some is left for what is found without a proof."""
        whole = self.judge.deadline
        self.judge.deadline = whole.part(FIRST_SHARE)
        more = search.look(number)
        self.judge.deadline = whole
        return more

    def _find_some(self) -> None:
        made = descend(self.yard, self.judge, self.wanted)
        if made is not None:
            self.some = self.orders.find(tuple(sorted(made))) or Order(made, safe=False)

    def _nothing(self, search: Search) -> _Found:
        """Say no, unless something was not settled or a set lacks nothing but an order."""
        return _Found(None if search.open or search.stuck is not None else False)

    def _said(self, order: Order, *, minimal: bool) -> _Found:
        left = [list(group.vms) for group in self.yard.groups]
        hosts = self.yard.problem.hosts
        moves = tuple(
            Move(left[number].pop(0), hosts[self.yard.groups[number].home], hosts[to])
            for number, to in order.moves
        )
        return _Found(True, minimal, order.safe, moves)


def _check(pool: Pool, rules: Rules, moves: tuple[Move, ...], wanted: int, deadline: Deadline) -> bool:
    """Tell whether the moves are seen to reach the target; False: the limit came first.

    Moves that cannot be made, or do not reach it, are a bug and never shown: PlanRejected.
    """
    violations = verify_moves(pool, moves, rules)
    after = problem_of(*applied(pool_after(pool, moves), rules))
    reached = None if violations else Judge(deadline).holds(after, wanted)
    if reached is False:
        violations = (f"after {len(moves)} moves the pool does not survive {wanted} failures",)
    if violations:
        raise PlanRejected(violations)
    return reached is True
