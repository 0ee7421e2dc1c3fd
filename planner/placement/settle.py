"""Fill what room is left, fairly: nobody waits while there is room, nobody gives way to a later turn.

Takes any placement that fits and betters it until it holds (a) that no VM is left although a host has room
for it, and (b) that none is left although a host would have room if those of later turns stepped back. Every
step places one VM more of the earliest turn concerned, so it ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from planner.placement.spread import NOWHERE, Room, even
from planner.placement.wishes import Wish


def settle(wishes: Sequence[Wish], to: Sequence[int], room: Room) -> list[int]:
    """Return `to` filled up and balanced."""
    result = list(to)
    pieces = [wish.piece for wish in wishes]
    while True:
        fill(wishes, result, room)
        result = even(pieces, result, room)
        if not fill(wishes, result, room):
            return result


def fill(wishes: Sequence[Wish], to: list[int], room: Room) -> bool:
    """Place in `to` whom there is room for, earliest turn and smallest need first; tell whether any was."""
    free = list(room.free_bytes)
    for wish, host in zip(wishes, to, strict=True):
        if host != NOWHERE:
            free[host] -= wish.piece.need_bytes
    order = sorted(range(len(wishes)), key=lambda i: (wishes[i].turn, wishes[i].piece.need_bytes, i))
    # Whoever steps back is of a later turn, hence still to come in this order.
    moved = [_find_room(i, wishes, to, free) for i in order if to[i] == NOWHERE]
    return any(moved)


def _find_room(i: int, wishes: Sequence[Wish], to: list[int], free: list[int]) -> bool:
    need = wishes[i].piece.need_bytes
    later = _later(i, wishes, to, len(free))
    hosts = [h for h in range(len(free)) if wishes[i].piece.hosts >> h & 1 and free[h] + later[h] >= need]
    if not hosts:
        return False
    host = min(hosts, key=lambda h: (max(0, need - free[h]), free[h], h))
    _step_back(i, host, wishes, to, free)
    free[host] -= need
    to[i] = host
    return True


def _later(i: int, wishes: Sequence[Wish], to: list[int], hosts: int) -> list[int]:
    """Return for each host the bytes that later turns than that of `i` take there."""
    later = [0] * hosts
    for wish, host in zip(wishes, to, strict=True):
        if host != NOWHERE and wish.turn > wishes[i].turn:
            later[host] += wish.piece.need_bytes
    return later


def _step_back(i: int, host: int, wishes: Sequence[Wish], to: list[int], free: list[int]) -> None:
    """Take VMs of later turns off `host`, the last and biggest first, until `i` fits."""
    guests = [j for j, h in enumerate(to) if h == host and wishes[j].turn > wishes[i].turn]
    for j in sorted(guests, key=lambda j: (-wishes[j].turn, -wishes[j].piece.need_bytes, j)):
        if free[host] >= wishes[i].piece.need_bytes:
            return
        free[host] += wishes[j].piece.need_bytes
        to[j] = NOWHERE
