"""Who may be admitted, and when a liveset may be formed with no living member (MEMBERSHIP §4, cold start).

Must never form a liveset beside a living member: whoever may still be armed is waited for. Silence on disk
proves nothing about members that live on grants. Each needs those of *every* other member: so all have ended
once one that has rebooted and joins has granted nothing for a silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hacore.core.cliques import hosts_in
from hacore.core.seen import Disk


@dataclass(frozen=True, slots=True)
class Hall:
    """What a joining host sees while it is nobody's member; masks of hosts."""

    configured: int
    group: int  # joining hosts that move, have storage and hear each other
    joining: int  # show JOINING and that they know the newest epoch, which is without them; moving or not
    absent: int  # have never written their slot
    excluded: int
    silent: int  # certainly hold no lease of the disk any more
    rested: int  # known to hold no membership for a silence: who lived on their grants has ended
    liveset: int  # of the newest decided epoch
    needed: int  # how many it takes: 1, or more than half of all (quorum "majority")
    waited: bool  # cold_start_ns have passed since my start
    forced: bool  # by an operator


def may_form(hall: Hall) -> bool:
    """Tell whether the group may decide the next epoch."""
    gone = hall.excluded | (hall.silent if no_grants(hall) else 0)
    if hall.liveset & ~hall.joining & ~hall.absent & ~gone or hall.group.bit_count() < hall.needed:
        return False  # a member may be alive, or too few are here
    if hall.forced or hall.group == hall.configured & ~hall.excluded:
        return True
    return hall.waited and _heir(hall) and not hall.liveset & ~hall.group & ~gone


def no_grants(hall: Hall) -> bool:
    """Tell whether grants of those who join keep no member alive any more."""
    heirs = hall.joining & hall.liveset
    return not heirs or bool(heirs & hall.rested)


def _heir(hall: Hall) -> bool:
    """Tell whether the group holds a host of the newest liveset; after a clean end nobody has to."""
    return bool(hall.group & hall.liveset) or not hall.liveset


class Heirs:
    """Since when each joining host was read to be nobody's member, as the boot that it is."""

    def __init__(self, hosts: int) -> None:
        self._boots = [0] * hosts
        self._since_ns = [0] * hosts

    def look(self, disk: Disk) -> None:
        """Take in the newest read: whoever shows another boot may have been a member until then."""
        for host in hosts_in(disk.joiners):
            if disk.incarnations[host] != self._boots[host]:
                self._boots[host] = disk.incarnations[host]
                self._since_ns[host] = disk.read_completed_ns

    def rested(self, joining: int, now_ns: int, silence_ns: int) -> int:
        """Return those of the joining hosts (mask) who have been so for longer than a silence."""
        return sum(1 << host for host in hosts_in(joining) if self._long(host, now_ns - silence_ns))

    def _long(self, host: int, before_ns: int) -> bool:
        return bool(self._boots[host]) and self._since_ns[host] < before_ns


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
