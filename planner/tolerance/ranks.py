"""The certificate of TOLERANCE §2 and §5 under the best order of kinds: whom should a packer place first?

A packer that takes the kinds in a fixed order, and any host with room, can fail at a kind (s, B) only if all
of B∖S is saturated by kinds that came no later. So the few VMs that only some hosts can start are best placed
before the many that all can. Whether a kind passes depends on which others come before it, not on their
order, and it never passes worse with fewer of them: so the order is found from its end, and any kind that
passes last of those left may be the last of them (Audsley 1991, optimal priority assignment). Must never
round towards a claim.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hacore.kernel.planning import Layout, Rows, certificate_rows, certified, saturation
from planner.tolerance.counts import Counted


@dataclass(frozen=True, slots=True)
class Certificate:
    """What §2 proves: `by_kind[i]` failures under which kind i cannot fail, and the rows that say so."""

    lower: int
    by_kind: array[int]
    rows: Rows

    def open_rows(self, failures: int) -> list[int]:
        """Return the kinds that so many failures could make fail."""
        return [kind for kind, most in enumerate(self.by_kind) if most < failures]


class Ranking:
    """Finds orders of the kinds of counted VMs, and what they prove."""

    def __init__(self, counted: Counted, decreasing: array[int]) -> None:
        """`decreasing`: a_h(s) of the safe scale for sums of sizes ≥ s."""
        self._counted = counted
        self._needs = counted.safe.needs
        self._decreasing = decreasing
        self._any_size, _ = saturation(counted.safe.room, self._needs, any_size=True)

    def certificate(self, failures: int) -> Certificate:
        """Return what the best order for so many failures proves; its rows hold for any number of them."""
        units, kinds = self._counted.units, len(self._needs)
        terms, limits = array("q", bytes(8 * kinds * units)), array("q", bytes(8 * kinds))
        by_kind = array("q", bytes(8 * kinds))
        left = list(range(kinds))
        while left:
            rows, most = self._last_of(left)
            last = [i for i, survived in enumerate(most) if survived >= failures]
            if not last:  # the rest by falling size
                rows, most = self._by_size(left)
                last = list(range(len(left)))
            for i in last:
                kind = left[i]
                terms[kind * units : (kind + 1) * units] = rows.terms[i * units : (i + 1) * units]
                limits[kind], by_kind[kind] = rows.limits[i], most[i]
            gone = set(last)
            left = [kind for i, kind in enumerate(left) if i not in gone]
        return Certificate(min(by_kind), by_kind, Rows(terms, limits))

    def _last_of(self, kinds: Sequence[int]) -> tuple[Rows, array[int]]:
        """Return the row of each kind, and what it survives, if all the others come before it."""
        hosts, smallest = len(self._counted.problem.hosts), self._needs[kinds[-1]]
        least = array("q")
        for kind in kinds:
            # What came before is never smaller than the smallest, so for that one sums of sizes ≥ s do.
            table = self._decreasing if self._needs[kind] == smallest else self._any_size
            least += table[kind * hosts : (kind + 1) * hosts]
        layout, sizes = only(self._counted.layout, kinds), array("q", [self._needs[k] for k in kinds])
        rows = certificate_rows(layout, sizes, least, any_size=True)
        return rows, certified(layout, rows)

    def _by_size(self, kinds: Sequence[int]) -> tuple[Rows, array[int]]:
        layout, sizes = only(self._counted.layout, kinds), array("q", [self._needs[k] for k in kinds])
        least, _ = saturation(self._counted.safe.room, sizes)
        rows = certificate_rows(layout, sizes, least)
        return rows, certified(layout, rows)


def only(layout: Layout, kinds: Sequence[int]) -> Layout:
    """Return the layout of some kinds, ascending."""
    start, unit, count = array("q", [0]), array("q"), array("q")
    for kind in kinds:
        held = slice(layout.start[kind], layout.start[kind + 1])
        unit += layout.unit[held]
        count += layout.count[held]
        start.append(len(unit))
    mask_of = array("q", [layout.mask_of[kind] for kind in kinds])
    down = array("q", [layout.down[kind] for kind in kinds])
    return replace(layout, mask_of=mask_of, start=start, unit=unit, count=count, down=down)
