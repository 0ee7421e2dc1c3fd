"""The question at a leaf, and what can be answered: do these items fit into these bins?

Everything that decides a failure set speaks in these values: packers, pattern LP, CP-SAT, arc-flow, verifier.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from planner.constraints.resource import Uses


@dataclass(frozen=True, slots=True)
class Item:
    """`count` equal VMs: `size` > 0 (any unit, the same as the bins'), allowed bins as a mask.

    `uses`: what each takes of the instance's `rooms`.
    """

    size: int
    bins: int
    count: int
    uses: Uses = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """Bins by capacity (≥ 0) and the items that must all go into them. Items are distinct in (size, bins,
    uses).

    `rooms`: what else there is in each bin, a row (≥ 0) a resource; mostly none.
    """

    capacities: tuple[int, ...]
    items: tuple[Item, ...]
    rooms: tuple[tuple[int, ...], ...] = ()

    @property
    def relaxed(self) -> Instance:
        """Return the same by size and bins alone: what refutes it refutes this."""
        return replace(self, rooms=()) if self.rooms else self


@dataclass(frozen=True, slots=True)
class Packed:
    """Everything fits: `counts[i][b]` of item i go into bin b."""

    counts: tuple[tuple[int, ...], ...]
    method: str


@dataclass(frozen=True, slots=True)
class Refuted:
    """Not everything fits, proved. `prices` (one integer ≥ 0 an item) is set if a price vector proves it:
    the sum over bins of the dearest load (bounded by the counts) is below the price of all items."""

    prices: tuple[int, ...] | None
    method: str


@dataclass(frozen=True, slots=True)
class Open:
    """The limit came before a proof."""

    method: str


Outcome = Packed | Refuted | Open
Method = Literal["greedy", "pattern-lp", "cp-sat", "arc-flow"]
