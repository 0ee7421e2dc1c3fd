"""Who may be admitted, and when a liveset may be formed with no living member (MEMBERSHIP §4, cold start).

Must never form a liveset beside a living member: whoever may still be armed is waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hacore.core.cliques import hosts_in


@dataclass(frozen=True, slots=True)
class Hall:
    """What a joining host sees while it is nobody's member; masks of hosts."""

    configured: int
    group: int  # joining hosts that move, have storage and hear each other
    joining: int  # show JOINING and that they know the newest epoch, which is without them; moving or not
    absent: int  # have never written their slot
    excluded: int
    silent: int  # certainly hold no lease any more
    liveset: int  # of the newest decided epoch
    needed: int  # how many it takes: 1, or more than half of all (quorum "majority")
    waited: bool  # cold_start_ns have passed since my start
    forced: bool  # by an operator


def may_form(hall: Hall) -> bool:
    """Tell whether the group may decide the next epoch."""
    gone = hall.silent | hall.excluded
    if hall.liveset & ~hall.joining & ~hall.absent & ~gone or hall.group.bit_count() < hall.needed:
        return False  # a member may be alive, or too few are here
    if hall.forced or hall.group == hall.configured & ~hall.excluded:
        return True
    return hall.waited and _heir(hall) and not hall.liveset & ~hall.group & ~gone


def _heir(hall: Hall) -> bool:
    """Tell whether the group holds a host of the newest liveset; after a clean end nobody has to."""
    return bool(hall.group & hall.liveset) or not hall.liveset


def mutual(candidates: int, rows: Sequence[int], group: int) -> int:
    """Add to the group, lowest index first, every candidate that hears all in it and is heard by all."""
    common = -1  # whom all in the group hear
    for host in hosts_in(group):
        common &= rows[host]
    for host in hosts_in(candidates & ~group):
        if common >> host & 1 and not group & ~rows[host]:
            group |= 1 << host
            common &= rows[host]
    return group


def hall_group(candidates: int, rows: Sequence[int], heirs: int) -> int:
    """Return joining hosts that all hear each other, those of the newest liveset first."""
    return mutual(candidates, rows, mutual(candidates & heirs, rows, 0))
