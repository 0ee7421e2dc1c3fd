"""How many failure domains (rack, power, switch) a pool survives: the same bounds, with larger failure units.

A host without the key is a domain of its own. Kernel work only, a gap stays a gap, and no solver is loaded:
except where hosts have more than memory, which the kernel does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hacore.clock import Deadline
from planner.model import Pool
from planner.placement.problem import Problem
from planner.results import Bounds
from planner.tolerance.counts import count
from planner.tolerance.simultaneous import capped, simultaneous_bounds


def domain_bounds(pool: Pool, problem: Problem, deadline: Deadline) -> Mapping[str, Bounds]:
    """Return the bounds for each key of `failure_domains` that a host in service has."""
    keys = sorted({key for host in pool.hosts_in_service for key, _ in host.failure_domains})
    return {key: _bounds(pool, problem, key, deadline) for key in keys}


def _bounds(pool: Pool, problem: Problem, key: str, deadline: Deadline) -> Bounds:
    units = _units(pool, key)
    cap = _cap(pool, problem, key)
    if not problem.vms:
        return capped(len(units), cap)
    solve = bool(problem.resources)
    share = deadline.part(1 / 2) if solve else deadline
    bounds, _ = simultaneous_bounds(count(problem, units), cap, share, solve=solve)
    return bounds


def _units(pool: Pool, key: str) -> Sequence[tuple[int, ...]]:
    """Return the hosts in service of each domain, in order of its first host."""
    domains: dict[tuple[str, str], list[int]] = {}
    for index, host in enumerate(pool.hosts_in_service):
        domains.setdefault(_domain(host.domain(key), host.uuid), []).append(index)
    return [tuple(hosts) for hosts in domains.values()]


def _domain(value: str | None, host: str) -> tuple[str, str]:
    return ("domain", value) if value is not None else ("host", host)


def _cap(pool: Pool, problem: Problem, key: str) -> int | None:
    """Return how many domains may fail with the quorum kept: the largest ones together within the cap of
    hosts.

    Every live host of a domain counts, in service or not.
    """
    if problem.cap is None:
        return None
    sizes: dict[tuple[str, str], int] = {}
    for host in pool.hosts:
        if host.live:
            domain = _domain(host.domain(key), host.uuid)
            sizes[domain] = sizes.get(domain, 0) + 1
    left, domains = problem.cap, 0
    for size in sorted(sizes.values(), reverse=True):
        left -= size
        if left < 0:
            break
        domains += 1
    return domains
