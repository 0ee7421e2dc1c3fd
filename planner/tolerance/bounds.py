"""The closed forms of TOLERANCE §2, §3, §5 and §6: what one sort a kind of VM proves about all failure sets.

The certificate gives the lower bound, the witness the upper one. Counts failure units, from −1 (not even
today) to the number of units. Must never search, and never round towards a claim.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import combinations

from hacore.kernel.planning import FoundWitness, certificate_rows, certified, find_witness, saturation
from planner.tolerance.counts import Counted, Scale
from planner.tolerance.ranks import Certificate, Ranking

MOST_MASKS_FOR_PAIRS = 16
"""Unions of two candidate sets are tried as areas while there are no more distinct sets than this."""
MOST_AREAS = 4096


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What §3 proves: the loss of `units` is not survived, so the figure is at most len(units) − 1."""

    units: tuple[int, ...]
    area: int
    kind: int
    slots: bool


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """Both bounds, and what a search goes on with."""

    certificate: Certificate
    ceiling: Ceiling
    most: array[int]
    """A_h(s) in loose units, kinds × hosts."""
    ranking: Ranking | None
    """Where VMs differ in their candidates and the bounds by falling size in their figures."""

    @property
    def lower(self) -> int:
        return self.certificate.lower

    @property
    def upper(self) -> int:
        return len(self.ceiling.units) - 1


def closed_form(counted: Counted) -> ClosedForm:
    """Return the closed bounds of a problem with at least one VM and one host."""
    least, most = saturation(counted.safe.room, counted.safe.needs)
    certificate = _certificate(counted, counted.safe, least)
    if counted.rounded:
        certificate = max(certificate, _plain(counted), key=lambda proof: proof.lower)
        _, most = saturation(counted.loose.room, counted.loose.needs)
    ceiling = _ceiling(counted, most)
    if counted.agile or certificate.lower >= len(ceiling.units) - 1:
        return ClosedForm(certificate, ceiling, most, None)
    ranking = Ranking(counted, least)
    certificate = _ranked(ranking, certificate, len(ceiling.units) - 1)
    return ClosedForm(certificate, ceiling, most, ranking)


def _ranked(ranking: Ranking, best: Certificate, upper: int) -> Certificate:
    """Return the certificate of the most failures up to `upper` that some order of kinds proves."""
    asked = upper
    while best.lower < upper:
        found = ranking.certificate(asked)
        if found.lower > best.lower:
            best = found
        if found.lower < asked:
            upper = asked - 1
        asked = (best.lower + upper + 1) // 2
    return best


def _certificate(counted: Counted, scale: Scale, least: array[int]) -> Certificate:
    rows = certificate_rows(counted.layout, scale.needs, least)
    by_kind = certified(counted.layout, rows)
    return Certificate(min(by_kind), by_kind, rows)


def _plain(counted: Counted) -> Certificate:
    """Return the certificate in exact units, with a_h(s) ≥ max(0, f − s + 1) instead of reachable sums."""
    room = counted.exact.room
    least = array("q", [max(0, free - need + 1) for need in counted.exact.needs for free in room])
    return _certificate(counted, counted.exact, least)


def _ceiling(counted: Counted, most: array[int]) -> Ceiling:
    areas = _areas(counted)
    found = find_witness(counted.layout, counted.loose.needs, counted.loose.room, most, areas)
    by_reach = _out_of_reach(counted)
    if found is None or len(by_reach.units) < len(found.units):
        return by_reach
    return _as_ceiling(found, areas)


def _as_ceiling(found: FoundWitness, areas: list[int]) -> Ceiling:
    return Ceiling(tuple(sorted(found.units)), areas[found.area], found.kind, found.slots)


def _areas(counted: Counted) -> list[int]:
    """Return the sets of hosts in which demand is weighed against room (TOLERANCE §5), everywhere first."""
    everywhere = counted.problem.everywhere
    masks = sorted(set(counted.problem.candidates) - {everywhere})
    areas = [everywhere, *masks]
    if len(masks) <= MOST_MASKS_FOR_PAIRS:
        areas += [one | other for one, other in combinations(masks, 2)]
    return list(dict.fromkeys(areas))[:MOST_AREAS]


def _out_of_reach(counted: Counted) -> Ceiling:
    """Return the fewest units that take away every host a VM could use, its own included."""
    best: Ceiling | None = None
    for mask in dict.fromkeys(counted.masks):
        units = tuple(unit for unit, hosts in enumerate(counted.unit_masks) if hosts & mask)
        if best is None or len(units) < len(best.units):
            best = Ceiling(units, mask, counted.masks.index(mask), True)
    assert best is not None
    return best


def history_free(counted: Counted) -> int:
    """Return failures that are survived one after the other in any order, whatever restarts went before.

    TOLERANCE §6, last point: all protected needs of a failed unit count, and a host may have been saturated
    by VMs of any size.
    """
    bounds = [_history_free(counted, counted.safe)]
    if counted.rounded:
        room = counted.exact.room
        least = array("q", [max(0, free - need + 1) for need in counted.exact.needs for free in room])
        bounds.append(_without_order(counted, counted.exact, least))
    return max(bounds)


def _history_free(counted: Counted, scale: Scale) -> int:
    least, _ = saturation(scale.room, scale.needs, any_size=True)
    return _without_order(counted, scale, least)


def _without_order(counted: Counted, scale: Scale, least: array[int]) -> int:
    rows = certificate_rows(counted.layout, scale.needs, least, any_size=True)
    return min(certified(counted.layout, rows))
