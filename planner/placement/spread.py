"""Spread VMs evenly: what "balanced" means in a plan.

Minimised is Σ used² / total over the hosts that take VMs (bytes; used as it would be afterwards). With VMs
small enough its minimum is the same used share on every host, whatever their sizes. `spread` builds a
placement greedily by that measure, biggest VM first; `even` betters any placement until no single VM can move
with profit. All comparisons are between integers, so that equal questions get equal answers everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from planner.constraints.resource import Uses

NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Room:
    """Hosts by index: bytes free (≥ 0) and in total (> 0); `rooms`: what else is free (≥ 0), by resource."""

    free_bytes: tuple[int, ...]
    total_bytes: tuple[int, ...]
    rooms: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A VM as the packers see it: its need in bytes and the mask of hosts it may go to.

    `uses`: what it takes of the other resources.
    """

    need_bytes: int
    hosts: int
    uses: Uses = ()


class Load:
    """The hosts while VMs come and go."""

    def __init__(self, room: Room) -> None:
        self.free = list(room.free_bytes)
        self.total = room.total_bytes
        self.rooms = [list(row) for row in room.rooms]

    def put(self, piece: Piece, host: int) -> None:
        self.free[host] -= piece.need_bytes
        for resource, amount in piece.uses:
            self.rooms[resource][host] -= amount

    def take(self, piece: Piece, host: int) -> None:
        self.free[host] += piece.need_bytes
        for resource, amount in piece.uses:
            self.rooms[resource][host] += amount

    def fits(self, piece: Piece, host: int) -> bool:
        if self.free[host] < piece.need_bytes:
            return False
        return not piece.uses or all(self.rooms[r][host] >= amount for r, amount in piece.uses)

    def cost(self, need: int, host: int) -> tuple[int, int]:
        """Return what `need` bytes more on `host` add to the measure per byte, as a fraction."""
        return 2 * (self.total[host] - self.free[host]) + need, self.total[host]

    def cheapest(self, piece: Piece) -> int:
        """Return the host where `piece` adds least to the measure, the first of equals, or NOWHERE."""
        best, best_cost, best_total = NOWHERE, 0, 1
        for host in _bits(piece.hosts):
            if not self.fits(piece, host):
                continue
            cost, total = self.cost(piece.need_bytes, host)
            if best == NOWHERE or cost * best_total < best_cost * total:
                best, best_cost, best_total = host, cost, total
        return best


@lru_cache(maxsize=1024)
def _bits(mask: int) -> tuple[int, ...]:
    return tuple(i for i in range(mask.bit_length()) if mask >> i & 1)


def spread(pieces: Sequence[Piece], room: Room) -> list[int]:
    """Return a host (or NOWHERE) for each piece: biggest first, each where it adds least to the measure."""
    load = Load(room)
    to = [NOWHERE] * len(pieces)
    order = sorted(range(len(pieces)), key=lambda i: (-pieces[i].need_bytes, pieces[i].hosts.bit_count(), i))
    for i in order:
        to[i] = load.cheapest(pieces[i])
        if to[i] != NOWHERE:
            load.put(pieces[i], to[i])
    return to


def even(pieces: Sequence[Piece], to: Sequence[int], room: Room) -> list[int]:
    """Return `to` bettered by moving single pieces while the measure falls; what is NOWHERE stays there."""
    load = Load(room)
    for piece, host in zip(pieces, to, strict=True):
        if host != NOWHERE:
            load.put(piece, host)
    result = list(to)
    order = sorted(range(len(pieces)), key=lambda i: (-pieces[i].need_bytes, i))
    moved = True
    while moved:
        moved = False
        for i in order:
            if result[i] != NOWHERE and _move(pieces[i], i, result, load):
                moved = True
    return result


def _move(piece: Piece, i: int, to: list[int], load: Load) -> bool:
    old = to[i]
    load.take(piece, old)
    new = load.cheapest(piece)
    stays, old_total = load.cost(piece.need_bytes, old)
    moves, new_total = load.cost(piece.need_bytes, new)
    if moves * old_total >= stays * new_total:
        new = old
    load.put(piece, new)
    to[i] = new
    return new != old
