"""Better bounds of the sequential tolerance, by search (TOLERANCE §6).

Every order of two failures, and in small pools every order there is; if longer ones are asked for, tiers of
hosts and slots that no order exhausts, and then longer orders while there is time. How far is followed
depends on the question and the pool, never on the machine, unless the deadline ends it: the same question has
the same answer everywhere. Must never claim a figure that depends on restarts which nobody would make, nor
take "open" for an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import perm

from hacore.clock import Deadline
from planner.placement.problem import Problem
from planner.results import Bounds, Feared, Witness, WitnessReason
from planner.tolerance.counts import count
from planner.tolerance.orders import Doomed, place
from planner.tolerance.reservation import classes_of, reserve
from planner.tolerance.scenarios import Fears
from planner.tolerance.state import state_of
from planner.tolerance.tiers import tiers

EXACT_FIRST = 2
"""Failures up to which orders are followed before slots are tried: 64 hosts take some 0.05 to 0.3 s."""
MOST_ORDERS = 6_000
"""Of all failures but the last: about a millisecond each."""
FEW_HOSTS = 8
"""Pools of so few hosts are followed to the end, whatever the number of orders: they hold few VMs."""
SLOTS_SHARE = 0.5
"""Of the time that is left, for the reservation certificate."""
SLOTS_SECONDS = 2.0
"""For one number of failures: what SCIP finds it finds early."""


def bettered(problem: Problem, known: Bounds, deadline: Deadline, *, long_orders: bool) -> Bounds:
    """Return sequential bounds of at least one VM and host, bettered by search until the deadline.

    Without `long_orders` pools of more than `FEW_HOSTS` are followed to `EXACT_FIRST` failures only.
    """
    hosts = len(problem.hosts)
    first = EXACT_FIRST if long_orders or hosts > FEW_HOSTS else hosts
    found = _by_orders(problem, known, deadline, first)
    if not long_orders or found.lower < EXACT_FIRST or found.proven:
        return found
    if not problem.resources:  # tiers and slots are memory and nothing else
        found = _by_slots(problem, _by_tiers(problem, found), deadline)
    return _by_orders(problem, found, deadline, _within_reach(hosts))


def _within_reach(hosts: int) -> int:
    """Return the most failures of which all orders can be followed: 3 of 64 hosts, any number of few."""
    if hosts <= FEW_HOSTS:
        return hosts
    failures = 1
    while failures < hosts and perm(hosts, failures) <= MOST_ORDERS:
        failures += 1
    return failures


def _by_orders(problem: Problem, known: Bounds, deadline: Deadline, most: int) -> Bounds:
    """Follow all orders of one failure more than is proven, and so on up to `most`."""
    if known.lower >= min(known.upper, most):
        return known  # most pools: their state need not be made
    state, found = state_of(problem), known
    while found.lower < min(found.upper, most) and not deadline.passed():
        failures = found.lower + 1
        verdict = place(state, failures, deadline)
        if verdict is None:
            return found
        if isinstance(verdict, Doomed):
            return replace(found, upper=failures - 1, witness=_witness(problem, verdict.fears))
        found = replace(found, lower=failures, method="enumeration")
    return found


def _by_tiers(problem: Problem, known: Bounds) -> Bounds:
    """Raise the lower bound by hosts kept for large VMs: 64 hosts take some 0.03 s."""
    found = tiers(count(problem))
    if found is None or found.failures <= known.lower:
        return known
    return replace(known, lower=min(found.failures, known.upper), method="certificate")


def _by_slots(problem: Problem, known: Bounds, deadline: Deadline) -> Bounds:
    """Raise the lower bound to the most failures for which slots are found: the upper bound first, then by
    bisection.
    """
    share = deadline.part(SLOTS_SHARE)
    classes = classes_of(problem)
    lower, too_many, probe = known.lower, known.upper + 1, known.upper
    while lower < probe < too_many and not share.passed():
        brief = Deadline.after(share.clock, min(SLOTS_SECONDS, share.left_seconds()))
        if reserve(problem, probe, brief, classes) is None:
            too_many = probe
        else:
            lower = probe
        probe = (lower + too_many) // 2
    return replace(known, lower=lower, method="reservation") if lower > known.lower else known


def _witness(problem: Problem, fears: Fears) -> Witness:
    """Return the orders that no strategy survives, as a witness.

    Where one host is feared first, placing VMs that are down before it fails is no better than after.
    """
    reason: WitnessReason = (
        "memory" if all(mask == problem.everywhere for mask in problem.candidates) else "reach"
    )
    if problem.resources:
        reason = problem.resources[-1].reason
    then = _feared(problem.hosts, fears)
    if len(then) == 1:
        return Witness((then[0].host,), (), reason, then[0].then)
    return Witness((), (), reason, then)


def _feared(hosts: Sequence[str], fears: Fears) -> tuple[Feared, ...]:
    return tuple(Feared(hosts[host], _feared(hosts, then)) for host, then in sorted(fears.items()))
