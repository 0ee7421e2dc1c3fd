"""How much of a host's free memory VMs can fill: K_h of TOLERANCE §3, in bytes, with bounds.

Memory that no sum of needs reaches is free and of no use. Must never call more of it useful than is: the
lower value is a load that was found, the upper one is proven.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import gcd

from hacore.kernel.planning import dearest_contents
from planner.results import Span

PRICE_TIMES_ROOM_MAX = 1 << 61
"""Below what the kernel computes with."""


def packable(free_bytes: int, needs: Sequence[int]) -> Span:
    """Return the most of `free_bytes` that some of the VMs with these needs fill, each used at most once."""
    counts = Counter(need for need in needs if need <= free_bytes)
    sizes = sorted(counts, reverse=True)
    if sum(need * count for need, count in counts.items()) <= free_bytes:
        all_of_them = sum(need * count for need, count in counts.items())
        return Span(all_of_them, all_of_them)
    unit = gcd(*sizes)
    room = free_bytes // unit
    small = [size // unit for size in sizes]
    coarse = _coarse(room, small[0])
    prices = [-(-size // coarse) for size in small]
    _, bounds, loads = dearest_contents([room], small, [counts[size] for size in sizes], prices)
    held = sum(size * number for size, number in zip(sizes, loads[0], strict=True))
    return Span(held, max(held, min(free_bytes, bounds[0] * coarse * unit)))


def _coarse(room: int, biggest: int) -> int:
    """Return the unit of the prices: 1 unless the numbers would be too large; prices are rounded up."""
    return max(1, -(-room * biggest // PRICE_TIMES_ROOM_MAX))
