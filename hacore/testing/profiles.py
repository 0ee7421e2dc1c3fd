"""Families of worlds in which one kind of mistake matters: a mutant must fall over them, production must not.

Each draws a plan from a seed. Times are fractions of T around the instant at which the mistake would show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from hacore.core.timing import NS
from hacore.testing.plan import Fault, Plan

Profile = Callable[[str], Plan]
T = 20.0
BEGIN = 30.0


def _plan(hosts: int, faults: Sequence[Fault], *, reboot: float = 4 * T) -> Plan:
    return Plan(hosts, int(T * NS), 2.0, reboot_ns=int(reboot * NS), faults=faults)


def _fault(
    kind: str,
    hosts: Sequence[int],
    at: float,
    lasts: float = 0.0,
    others: Sequence[int] = (),
    value: float = 0.0,
) -> Fault:
    at_ns = int(at * NS)
    return Fault(at_ns, at_ns + int(lasts * NS), kind, _mask(hosts), _mask(others), value)


def _mask(hosts: Sequence[int]) -> int:
    return sum(1 << host for host in hosts)


def rival_proposers(seed: str) -> Plan:
    """A leader takes as long for an epoch as the next in turn waits, who sees another host dead by then."""
    rng = Random(f"{seed}/rivals")
    return _plan(
        4,
        [
            _fault("crash", [2], BEGIN, 200),
            _fault("crash", [3], BEGIN + 0.5 + 2 * rng.random(), 200),
            _fault("tardy", [0], BEGIN + 10, 200),
        ],
    )


def _decider_is_lost(rng: Random, rotten: int, *more: Fault) -> Plan:
    """A leader decides an epoch and crashes before anybody reads it, and copies of its slot are spoilt."""
    at = BEGIN + 22 + 3.5 * rng.random()
    return _plan(
        3,
        [
            _fault("crash", [2], BEGIN, 200),
            _fault("stuck", [1], BEGIN + 21.2, 5.5),
            _fault("lead", [1], BEGIN + 23, value=1),
            _fault("crash", [0], at, 200),
            _fault("rot", [0], at + 0.01, value=rotten),
            *more,
        ],
    )


def decider_and_slot_are_lost(seed: str) -> Plan:
    return _decider_is_lost(Random(f"{seed}/slot"), 8)


def decider_and_copy_are_lost(seed: str) -> Plan:
    return _decider_is_lost(Random(f"{seed}/copy"), 1, _fault("tardy", [0], BEGIN + 10, 200))


def writes_fail(seed: str) -> Plan:
    """A host's writes fail, its reads do not."""
    rng = Random(f"{seed}/writes")
    return _plan(3, [_fault("readonly", [rng.randrange(3)], BEGIN + 5 * rng.random(), 100)])


def blind_and_isolated(seed: str) -> Plan:
    """A host cannot read, and is left out for its bad network meanwhile."""
    rng = Random(f"{seed}/blind")
    at = BEGIN + 20 * rng.random()
    return _plan(3, [_fault("cable", [1], BEGIN, 100), _fault("read", [1], at, 100)])


def long_read(seed: str) -> Plan:
    """One host's read takes long and shows, at its end, the last write of another that it does not hear."""
    rng = Random(f"{seed}/read")
    lasts = 9 + 2.5 * rng.random()
    at = BEGIN + 5 * rng.random()
    gone = at + lasts + 1.5 * (rng.random() - 0.7)
    unheard = _fault("link", [0], BEGIN - 15, 200, [1])
    return _plan(2, [unheard, _fault("stuck", [0], at, lasts), _fault("storage", [1], gone, 100)])


def ghosts(seed: str) -> Plan:
    """A leader's failed writes land after it has decided an epoch and crashed, before anybody has read it."""
    rng = Random(f"{seed}/ghosts")
    return _plan(
        3,
        [
            _fault("link", [0], BEGIN - 15, 200, [1]),
            _fault("crash", [2], BEGIN, 200),
            _fault("ghosts", [0], BEGIN + 11.2, 8.8),
            _fault("stuck", [1], BEGIN + 21.2, 11),
            _fault("lead", [1], BEGIN + 25, value=1),
            _fault("crash", [0], BEGIN + 22 + rng.random(), 200),
        ],
    )


def grants_wait(seed: str) -> Plan:
    """Grants wait on their way for half of T; their giver gets its storage back."""
    rng = Random(f"{seed}/wait")
    return _plan(
        2,
        [
            _fault("storage", [0], BEGIN, 150),
            _fault("storage", [1], BEGIN, 30 + 20 * rng.random()),
            _fault("behind", [1], BEGIN + 10, 200, [0], 10.3 + 1.5 * rng.random()),
        ],
    )


def join_while_storage_goes(seed: str) -> Plan:
    """A host joins in the moment in which the others lose their storage, one after the other."""
    rng = Random(f"{seed}/join")
    back = BEGIN + 40
    first = back + 3 + 3 * rng.random()
    rest = first + 4 * rng.random()
    return _plan(
        4,
        [
            _fault("crash", [3], BEGIN, 40),
            _fault("storage", [0], first, 100),
            _fault("storage", [1, 2], rest, 100),
        ],
    )


def one_member_left(seed: str) -> Plan:
    """All but one lose power; the one that lives hears nobody when they come back."""
    rng = Random(f"{seed}/left")
    at = BEGIN + 5 * rng.random()
    return _plan(3, [_fault("crash", [1, 2], at, 5 + 10 * rng.random()), _fault("isolate", [0], at - 2, 200)])


def heir_reboots_fast(seed: str) -> Plan:
    """One of two members on grants reboots before its grants end, and meets a host that waits to join."""
    rng = Random(f"{seed}/heir")
    at = BEGIN + 8 * T + T * rng.random()
    plan = _plan(
        3,
        [
            _fault("crash", [2], BEGIN, 2.5 * T),
            _fault("storage", [0], BEGIN + 2 * T, at - BEGIN - 2 * T + 0.5),
            _fault("storage", [1], BEGIN + 2 * T, 200),
            _fault("crash", [0], at, 1 + rng.random()),
        ],
    )
    return replace(plan, minutes=5.0)


def isolated(seed: str) -> Plan:
    """One host is cut off from the others, left out for it, and slow to obey."""
    rng = Random(f"{seed}/isolated")
    host, at = rng.randrange(3), BEGIN + 5 * rng.random()
    return _plan(3, [_fault("cable", [host], at, 100), _fault("tardy", [host], at + 10, 40)])


def storage_back_for_one(seed: str) -> Plan:
    """All lose storage, one gets it back."""
    rng = Random(f"{seed}/back")
    at = BEGIN + 5 * rng.random()
    return _plan(3, [_fault("storage", [0, 1], at, 150), _fault("storage", [2], at, 25 + 20 * rng.random())])


def suspended(seed: str) -> Plan:
    """A host sleeps until the others may take it for dead, and does not see the disk when it wakes up."""
    rng = Random(f"{seed}/suspended")
    host, at, lasts = rng.randrange(3), BEGIN + T * rng.random(), T * (1.1 + rng.random())
    return _plan(3, [_fault("suspend", [host], at, lasts), _fault("storage", [host], at + lasts - 1, 60)])


def fast_reboot(seed: str) -> Plan:
    """A host reboots before it is missed."""
    rng = Random(f"{seed}/reboot")
    return _plan(3, [_fault("crash", [rng.randrange(3)], BEGIN, 5 + 15 * rng.random())])
