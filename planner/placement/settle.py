"""Fill what room is left, fairly: nobody waits while there is room, nobody gives way to a later turn.

Takes any placement that fits and betters it until it holds (a) that no VM is left although a host has room
for it, and (b) that none is left although a host would have room if those of later turns stepped back. Every
step places one VM more of the earliest turn concerned, so it ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from planner.placement.spread import NOWHERE, Load, Piece, Room, even
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
    load = Load(room)
    for wish, host in zip(wishes, to, strict=True):
        if host != NOWHERE:
            load.put(wish.piece, host)
    order = sorted(range(len(wishes)), key=lambda i: (wishes[i].turn, wishes[i].piece.need_bytes, i))
    # Whoever steps back is of a later turn, hence still to come in this order.
    moved = [_find_room(i, wishes, to, load) for i in order if to[i] == NOWHERE]
    return any(moved)


def _find_room(i: int, wishes: Sequence[Wish], to: list[int], load: Load) -> bool:
    piece = wishes[i].piece
    later = _later(i, wishes, to, len(load.free))
    hosts = [h for h in range(len(load.free)) if piece.hosts >> h & 1 and _could(piece, h, later[h], load)]
    if not hosts:
        return False
    need = piece.need_bytes
    host = min(hosts, key=lambda h: (max(0, need - load.free[h]), load.free[h], h))
    _step_back(i, host, wishes, to, load)
    load.put(piece, host)
    to[i] = host
    return True


def _later(i: int, wishes: Sequence[Wish], to: list[int], hosts: int) -> list[list[Piece]]:
    """Return for each host what later turns than that of `i` have there."""
    later: list[list[Piece]] = [[] for _ in range(hosts)]
    for wish, host in zip(wishes, to, strict=True):
        if host != NOWHERE and wish.turn > wishes[i].turn:
            later[host].append(wish.piece)
    return later


def _could(piece: Piece, host: int, later: Sequence[Piece], load: Load) -> bool:
    """Tell whether a VM fits on a host once those of later turns have left it."""
    if load.free[host] + sum([guest.need_bytes for guest in later]) < piece.need_bytes:
        return False
    return all(
        load.rooms[resource][host] + sum([dict(guest.uses).get(resource, 0) for guest in later]) >= amount
        for resource, amount in piece.uses
    )


def _step_back(i: int, host: int, wishes: Sequence[Wish], to: list[int], load: Load) -> None:
    """Take VMs of later turns off `host`, the last and biggest first, until `i` fits."""
    guests = [j for j, h in enumerate(to) if h == host and wishes[j].turn > wishes[i].turn]
    for j in sorted(guests, key=lambda j: (-wishes[j].turn, -wishes[j].piece.need_bytes, j)):
        if load.fits(wishes[i].piece, host):
            return
        load.take(wishes[j].piece, host)
        to[j] = NOWHERE
