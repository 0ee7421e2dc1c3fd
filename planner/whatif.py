"""What if: the figures of a pool before and after a list of changes (DESIGN §5.5, REQUIREMENTS R18).

Decides nothing itself: `planner.changes` says what the pool would be, `planner.tolerance` what it would
survive.
"""

from __future__ import annotations

from collections.abc import Sequence

from hacore.clock import Clock, Deadline
from planner.changes.apply import apply
from planner.changes.change import Change, parse_change
from planner.changes.errors import ChangeError
from planner.constraints.rules import NO_RULES, Rules
from planner.model import Pool
from planner.results import Tolerance, WhatIf
from planner.tolerance.answer import tolerance


def whatif(
    pool: Pool,
    changes: Sequence[str],
    *,
    target: int | None = None,
    limit_seconds: float = 10.0,
    clock: Clock,
    rules: Rules = NO_RULES,
) -> WhatIf:
    """Return the figures before and after `changes`, made in order; those that cannot be made are left out.

    `target` None: the pool's own. Both figures together take about `limit_seconds`. Raises ChangeError
    if a change cannot be read at all: then nothing is answered.
    """
    deadline = Deadline.after(clock, limit_seconds)
    after, errors = pool_after(pool, [parse_change(text) for text in changes], rules)
    wanted = pool.target if target is None else target

    def figure(of: Pool, share: float) -> Tolerance:
        within_seconds = deadline.left_seconds() * share
        return tolerance(of, target=wanted, limit_seconds=within_seconds, clock=clock, rules=rules)

    return WhatIf(figure(pool, 1 / 2), figure(after, 1), errors)


def pool_after(pool: Pool, changes: Sequence[Change], rules: Rules) -> tuple[Pool, tuple[str, ...]]:
    """Return the pool after all changes that can be made under rules, and a sentence for each that cannot."""
    errors = []
    for change in changes:
        try:
            pool = apply(pool, change, rules)
        except ChangeError as error:
            errors.append(str(error))
    return pool, tuple(errors)
