"""The best group of hosts that all hear each other, exact up to 64 hosts. Must never know why it is asked.

A clique of the graph "hear each other" is an independent set of the graph "do not": few links are missing
as a rule, so the second graph falls into small parts that are solved apart. Worth is additive (integers are
wide enough to put size, weight, … above each other), so no two different groups are ever equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import and_

Foes = Sequence[int]
"""By host: mask of the hosts it does not hear, or that do not hear it."""


def hosts_in(mask: int) -> Iterator[int]:
    """Yield the indices of the hosts of a mask, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def all_hear_all(hosts: int, rows: Sequence[int]) -> bool:
    """Tell whether every host of the mask hears every other one of it (a host need not hear itself)."""
    if reduce(and_, rows, hosts) == hosts:  # as on every good day, then without a look at single hosts
        return True
    return not any((row | 1 << host) & hosts != hosts for host, row in enumerate(rows) if hosts >> host & 1)


def foes_among(hosts: int, rows: Sequence[int]) -> list[int]:
    """Return by host whom of `hosts` it has no mutual hearing with; itself never; 0 for others."""
    foes = [0] * len(rows)
    for host in hosts_in(hosts):
        unheard = hosts & ~rows[host] & ~(1 << host)
        foes[host] |= unheard
        for other in hosts_in(unheard):
            foes[other] |= 1 << host
    return foes


def best_group(hosts: int, foes: Foes, worth: Sequence[int]) -> int:
    """Return the mask of those that all hear each other with the largest sum of `worth` (each > 0)."""
    return _best(hosts, foes, worth, {})


def best_group_with(some: int, hosts: int, foes: Foes, worth: Sequence[int]) -> int:
    """Return the best group that contains at least one of `some` (not 0, part of `hosts`)."""
    group = best_group(hosts, foes, worth)
    if group & some:
        return group
    known: dict[int, int] = {}
    groups = [
        1 << host | _best(hosts & ~foes[host] & ~(1 << host), foes, worth, known) for host in hosts_in(some)
    ]
    return max(groups, key=lambda group: total(group, worth))


def total(group: int, worth: Sequence[int]) -> int:
    """Return the sum of `worth` over the group."""
    return sum(worth[host] for host in hosts_in(group))


def _best(hosts: int, foes: Foes, worth: Sequence[int], known: dict[int, int]) -> int:
    """Take those without foes, then every part that foes hold together by itself."""
    taken = 0
    while hosts:
        part = _part(hosts, foes)
        hosts &= ~part
        taken |= part if part & part - 1 == 0 else _best_of_part(part, foes, worth, known)
    return taken


def _part(hosts: int, foes: Foes) -> int:
    """Return the hosts that chains of foes connect with the lowest host."""
    part = new = hosts & -hosts
    while new:
        near = 0
        for host in hosts_in(new):
            near |= foes[host]
        new = near & hosts & ~part
        part |= new
    return part


def _best_of_part(part: int, foes: Foes, worth: Sequence[int], known: dict[int, int]) -> int:
    """Try with and without the host that has the most foes."""
    if part in known:
        return known[part]
    pivot = max(hosts_in(part), key=lambda host: (foes[host] & part).bit_count())
    bit = 1 << pivot
    within = bit | _best(part & ~foes[pivot] & ~bit, foes, worth, known)
    without = _best(part & ~bit, foes, worth, known)
    better = max(within, without, key=lambda group: total(group, worth))
    known[part] = better
    return better
