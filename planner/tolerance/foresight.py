"""Of all places for those who restart or move: some after which more failures are survived (TOLERANCE §6),
then some that groups prefer.

One rule for plans and for drains, so that what is shown, checked and done keeps the same. Decides only
whether to look further and whether what was found is better; `lookahead` and `prefer` find it. Must never
take places whose figure was not worked out anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hacore.clock import Deadline
from planner.constraints.preferences import Ties
from planner.placement.prefer import prefer
from planner.placement.problem import Problem
from planner.placement.spread import NOWHERE, Room
from planner.placement.wishes import Wish
from planner.results import Tolerance
from planner.tolerance.lookahead import look_ahead

FORESEEN = 2
"""Further failures that are looked ahead to: 64 hosts take some 0.1 s for two."""

SEARCH_SHARE = 1 / 2
"""Of the limit of a plan or a drain, for the places themselves: mostly some milliseconds."""
FIGURE_SHARE = 2 / 3
"""Of what is left then, for the figure of these places; the rest is for better ones and their figures."""

Places = tuple[int, ...]
"""A host for each wish."""
Judge = Callable[[Sequence[int], float], Tolerance]
"""What the pool tolerates with these places, within so many seconds."""


def keep_more(
    problem: Problem,
    failed: int,
    wishes: Sequence[Wish],
    found: tuple[Places, Tolerance],
    judge: Judge,
    deadline: Deadline,
) -> tuple[Places, Tolerance]:
    """Return places and their figure: those `found`, or others after which more failures are survived.

    `problem` is the pool with all its resources before `failed` (a mask of its hosts) failed. Where somebody
    finds no place, or `FORESEEN` failures are survived anyway, nothing else is looked for. A figure that is
    open where it decides counts as cut short: another run may know it, and choose otherwise.
    """
    to, after = found
    while _may_keep_more(to, after) and not deadline.passed():
        if not after.simultaneous.proven:
            deadline.cut()
        wanted = after.simultaneous.lower + 1
        better = look_ahead(problem, failed, wishes, wanted, deadline)
        if better is None:
            break
        figure = judge(better, deadline.left_seconds())
        if figure.simultaneous.lower < wanted:
            if figure.simultaneous.upper >= wanted:
                deadline.cut()
            break
        to, after = better, figure
    return to, after


def _may_keep_more(to: Places, after: Tolerance) -> bool:
    """Tell whether to look for more: everybody has a place, and few failures are survived."""
    if not to or NOWHERE in to:
        return False
    witness = after.simultaneous.witness
    for_good = witness is not None and witness.reason in ("quorum", "all_hosts")
    return not for_good and after.protected_vms > 0 and after.simultaneous.lower < FORESEEN


def keep_preferred(
    wishes: Sequence[Wish],
    room: Room,
    ties: Ties,
    found: tuple[Places, Tolerance],
    judge: Judge,
    deadline: Deadline,
) -> tuple[Places, Tolerance]:
    """Return places and their figure: those `found`, or others that groups prefer and that keep as much."""
    to, after = found
    better = tuple(prefer([wish.piece for wish in wishes], to, room, ties))
    if better == to:
        return found
    figure = judge(better, deadline.left_seconds())
    if after.unfinished or figure.unfinished:
        deadline.cut()
    less = (
        figure.simultaneous.lower < after.simultaneous.lower
        or figure.sequential.lower < after.sequential.lower
    )
    return found if less else (better, figure)
