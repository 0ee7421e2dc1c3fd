"""VMs to restart as integers, and the packing question they make. Decides nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from planner.placement.packing import Instance, Item
from planner.placement.solver import Counts
from planner.placement.spread import NOWHERE, Piece, Room


@dataclass(frozen=True, slots=True)
class Wish:
    """A VM to restart: its piece and its turn (0 first; best-effort turns follow all protected ones)."""

    piece: Piece
    turn: int
    protected: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """Wishes that differ in nothing; `members` are their indices, ascending."""

    wish: Wish
    members: tuple[int, ...]


def kinds_of(wishes: Iterable[Wish]) -> list[Kind]:
    """Return the kinds in the order of turn, need and hosts."""
    members = defaultdict(list)
    for i, wish in enumerate(wishes):
        members[wish].append(i)
    kinds = [Kind(wish, tuple(indices)) for wish, indices in members.items()]
    return sorted(
        kinds, key=lambda k: (k.wish.turn, k.wish.piece.need_bytes, k.wish.piece.hosts, k.wish.piece.uses)
    )


def instance_of(kinds: Sequence[Kind], room: Room) -> Instance:
    """Return the packing question: one item a kind, one bin a host."""
    items = [_item(kind.wish.piece, len(kind.members)) for kind in kinds]
    return Instance(room.free_bytes, tuple(items), room.rooms)


def _item(piece: Piece, count: int) -> Item:
    return Item(piece.need_bytes, piece.hosts, count, piece.uses)


def merged(kinds: Sequence[Kind], room: Room) -> tuple[Instance, list[Kind]]:
    """Return the question whether all of `kinds` fit, turns forgotten, with the kinds that its items are."""
    members: dict[Piece, list[int]] = defaultdict(list)
    for kind in kinds:
        members[kind.wish.piece] += kind.members
    joined = [Kind(Wish(piece, 0, True), tuple(sorted(who))) for piece, who in members.items()]
    return instance_of(joined, room), joined


def assigned(kinds: Sequence[Kind], counts: Counts, wishes: int) -> list[int]:
    """Return a host or NOWHERE for each of `wishes` indices: the first members to the first hosts."""
    to = [NOWHERE] * wishes
    for kind, row in zip(kinds, counts, strict=True):
        hosts = (host for host, count in enumerate(row) for _ in range(count))
        for member, host in zip(kind.members, hosts, strict=False):
            to[member] = host
    return to


def counted(kinds: Sequence[Kind], to: Sequence[int], hosts: int) -> Counts:
    """Return the counts that a placement means: the inverse of `assigned`."""
    return tuple(
        tuple(sum(to[member] == host for member in kind.members) for host in range(hosts)) for kind in kinds
    )
