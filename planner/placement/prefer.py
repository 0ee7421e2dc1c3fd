"""Better a placement by preferences: VMs of a group apart, or together, where there is room for it.

Moves one VM at a time to a host with fewer unwanted pairs. Each move lowers their number, or that of pairs
with VMs that stay, so it ends; it is not the best that could be found. Leaves a placement alone in which
somebody found no place: a move could make room for one that would then have been left without need.
"""

from __future__ import annotations

from collections.abc import Sequence

from planner.constraints.preferences import Ties
from planner.placement.spread import NOWHERE, Load, Piece, Room


def prefer(pieces: Sequence[Piece], to: Sequence[int], room: Room, ties: Ties) -> list[int]:
    """Return `to` with fewer pairs that should be apart and more that should be together."""
    result = list(to)
    tied = [i for i, groups in enumerate(ties.groups) if groups]
    if not tied or NOWHERE in result:
        return result
    load, there = Load(room), [list(row) for row in ties.there]
    for i, (piece, host) in enumerate(zip(pieces, to, strict=True)):
        load.put(piece, host)
        for group in ties.groups[i]:
            there[group][host] += 1
    moved = True
    while moved:
        moves = [_moved(i, pieces[i], result, load, there, ties) for i in tied]
        moved = any(moves)
    return result


def _moved(i: int, piece: Piece, to: list[int], load: Load, there: Sequence[list[int]], ties: Ties) -> bool:
    """Move one VM to the host with the fewest unwanted pairs; tell whether it moved.

    Of equals one that is best beside those that stay where they are: there the others come, too.
    """
    old = to[i]
    load.take(piece, old)
    for group in ties.groups[i]:
        there[group][old] -= 1
    cost = [
        (_pairs(i, host, there, ties), _pairs(i, host, ties.there, ties)) for host in range(len(load.free))
    ]
    fits = [host for host in range(len(cost)) if piece.hosts >> host & 1 and load.fits(piece, host)]
    best = min(fits, key=lambda host: (cost[host], host != old, host), default=old)
    load.put(piece, best)
    for group in ties.groups[i]:
        there[group][best] += 1
    to[i] = best
    return best != old


def _pairs(i: int, host: int, there: Sequence[Sequence[int]], ties: Ties) -> int:
    """Return the unwanted pairs that a VM makes on a host, less the wanted ones."""
    return sum([ties.apart[group] * there[group][host] for group in ties.groups[i]])
