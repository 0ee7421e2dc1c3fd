"""Repair: the fewest, then lightest migrations that reach the target, or the proof that none do.

Puts the parts together (DESIGN §5.5, TOLERANCE §7): what nothing helps (`refute`), one move, some moves, the
fewest moves (`search`, `descent`), which of equally good ones (`gentle`), and what else would help
(`remedy`). Moves are judged by the independent verifier, and what they reach is worked out again from the
pool they lead to, before anybody sees them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hacore.clock import Clock, Deadline, Stopwatch
from planner.constraints.memory import applied
from planner.constraints.preferences import worsened
from planner.constraints.rules import NO_RULES, Rules
from planner.drain import pool_after
from planner.errors import PlanRejected
from planner.model import Pool
from planner.placement.problem import problem_of
from planner.placement.verify_moves import verify_moves
from planner.repair.descent import descend
from planner.repair.gentle import gentler, named
from planner.repair.judge import Judge
from planner.repair.order import Order, Orders
from planner.repair.refute import hopeless, least_moves
from planner.repair.remedy import cheapest_purchase, fewest_demotions
from planner.repair.result import Purchase, Repair
from planner.repair.search import Search
from planner.repair.yard import Yard
from planner.results import Move

MOVES_SHARE = 0.7
"""Of the limit, for moves; the rest is for their check, or for what else would help."""
FIRST_SHARE = 0.5
"""Of the time for moves, for a single one; of the time for what else would help, for what is bought."""
LAST_SHARE = 0.9
"""Of what is left then, for VMs to demote: the question that time cuts short ends a little after it."""


def repair(
    pool: Pool,
    *,
    target: int | None = None,
    limit_seconds: float = 10.0,
    clock: Clock,
    rules: Rules = NO_RULES,
    tell: Callable[[str], None] = lambda now: None,
) -> Repair:
    """Return how the target is reached; after `limit_seconds` what is known by then, said to be so.

    `target` None: the pool's own, or 0 if it has none. `rules`: what counts beside memory, reach and enforced
    groups. `tell` is told what is being looked for once the moves are not it any more. Raises PlanRejected if
    the verifier refuses the moves: a bug.
    """
    watch, deadline = Stopwatch.start(clock), Deadline.after(clock, limit_seconds)
    wanted = target if target is not None else pool.target or 0
    seen, left = applied(pool, rules)
    found = _moves(seen, Yard.of(seen, left), wanted, deadline.part(MOVES_SHARE))
    if found.moves and not _check(pool, rules, found.moves, wanted, deadline):
        found = _Found(None)
    buy: tuple[Purchase | None, bool] = (None, False)
    demote: tuple[tuple[str, ...] | None, bool] = (None, False)
    if found.possible is False:
        tell("no moves do (proven); looking for what to buy")
        buy = cheapest_purchase(seen, left, wanted, Judge(deadline.part(FIRST_SHARE)))
        tell("no moves do (proven); looking for VMs to demote")
        demote = fewest_demotions(problem_of(seen, left), wanted, Judge(deadline.part(LAST_SHARE)))
    return Repair(
        target=wanted,
        possible=found.possible,
        minimal=found.minimal,
        safe=found.safe,
        moves=found.moves,
        purchase=buy[0],
        purchase_proven=buy[1],
        demote=demote[0],
        demote_proven=demote[1],
        breaks_groups=worsened(pool, pool_after(pool, found.moves)),
        elapsed_seconds=watch.seconds(),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """The migrations part of an answer."""

    possible: bool | None
    minimal: bool = False
    safe: bool = False
    moves: tuple[Move, ...] = ()


def _moves(pool: Pool, yard: Yard, wanted: int, deadline: Deadline) -> _Found:
    judge = Judge(deadline)
    ruling = judge.ask(yard.problem, wanted)
    if ruling.holds:
        return _Found(True, minimal=True, safe=True)
    if hopeless(yard, wanted):
        return _Found(False)
    if ruling.lost is None:
        return _Found(None)
    orders = Orders(yard, judge, ruling.lower)
    return _Hunt(pool, yard, judge, orders, wanted).hunt()


@dataclass(slots=True)
class _Hunt:
    """The numbers of moves, one after the other, with some moves at hand."""

    pool: Pool
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
        order = gentler(self.pool, self.orders, self.judge, self.wanted, order)
        return _Found(True, minimal, order.safe, named(self.pool, self.yard, order.moves))


def _check(pool: Pool, rules: Rules, moves: tuple[Move, ...], wanted: int, deadline: Deadline) -> bool:
    """Tell whether the moves are seen to reach the target; False: the limit came first.

    Moves that cannot be made, or do not reach it, are a bug and never shown: PlanRejected.
    """
    violations = verify_moves(pool, moves, rules)
    after = problem_of(*applied(pool_after(pool, moves), rules))
    reached = None if violations else Judge(deadline, share=1.0).holds(after, wanted)
    if reached is False:
        violations = (f"after {len(moves)} moves the pool does not survive {wanted} failures",)
    if violations:
        raise PlanRejected(violations)
    return reached is True
