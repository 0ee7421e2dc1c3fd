"""Who may be admitted, and when a liveset may be formed with no living member (MEMBERSHIP §4, cold start).

Must never form a liveset beside a living member: whoever may still be armed is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hall:
    """What a joining host sees while no member lives."""

    configured: int  # masks from here
    group: int  # joining hosts that move, have storage and hear each other, me among them
    joining: int  # show JOINING, moving or not
    excluded: int
    silent: int
    liveset: int  # of the newest decided epoch
    waited: bool  # cold_start_ns have passed since my start
    forced: bool  # by an operator


def may_form(hall: Hall) -> bool:
    """Tell whether the group may decide the next epoch."""
    wanted = hall.configured & ~hall.excluded
    gone = hall.silent | hall.excluded
    if hall.liveset & ~hall.joining & ~gone:
        return False  # a member may be alive
    if hall.group == wanted:
        return True
    if hall.forced:
        return True
    heir = not hall.liveset or bool(hall.group & hall.liveset)
    return hall.waited and heir and not hall.liveset & ~hall.group & ~gone
