"""A complete restart after which more failures are survived (TOLERANCE §6).

Decides where the VMs of failed hosts go such that every order of so many further failures is survived, or
that there is no such place for them. Best-effort VMs are placed with them and are not restarted again. Must
never leave out a VM, and never take a placement that was not followed to the last failure.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import repeat
from math import gcd

from hacore.clock import Deadline
from planner.constraints.resource import Uses
from planner.placement.problem import Problem
from planner.placement.wishes import Wish
from planner.tolerance.orders import place
from planner.tolerance.state import State

_Kind = tuple[int, int, bool, Uses]
"""Need in bytes, candidates, whether it is protected, and what else it takes."""


def look_ahead(
    problem: Problem, failed: int, wishes: Sequence[Wish], failures: int, deadline: Deadline
) -> tuple[int, ...] | None:
    """Return a host for each of `wishes` such that `failures` more are survived in any order; None if none
    was found.

    `problem` is the pool before `failed` (a mask of its hosts) failed, with all its resources: those of the
    wishes. All `wishes` must fit. What a VM that waits has booked on another host (it was to arrive there)
    stays taken, as free memory has it (DESIGN §2), though its restart gives it back: what is found is
    survived all the more.
    """
    kind_of = [_kind(wish) for wish in wishes]
    state, kinds = _state(problem, failed, kind_of)
    found = place(state, failures, deadline)
    if not isinstance(found, State):
        return None
    return _assigned(state, found, kinds, kind_of)


def _kind(wish: Wish) -> _Kind:
    return wish.piece.need_bytes, wish.piece.hosts, wish.protected, wish.piece.uses


def _state(problem: Problem, failed: int, kind_of: Sequence[_Kind]) -> tuple[State, list[_Kind]]:
    """Return the state after the failure, nobody placed yet, with its kinds."""
    alive = problem.everywhere & ~failed
    stay: Counter[tuple[_Kind, int]] = Counter()
    uses = problem.uses or repeat((), len(problem.vms))
    for need, mask, home, used in zip(
        problem.need_bytes, problem.candidates, problem.home, uses, strict=True
    ):
        if home >= 0 and alive >> home & 1:
            stay[(need, mask & alive, True, used), home] += 1
    waiting = Counter(kind_of)
    kinds = sorted({kind for kind, _ in stay} | set(waiting), key=lambda k: (-k[0], k[1], k[2], k[3]))
    unit = gcd(*(need for need, _, _, _ in kinds)) or 1
    free = [room if alive >> host & 1 else 0 for host, room in enumerate(problem.free_bytes)]
    return State(
        needs=tuple(need // unit for need, _, _, _ in kinds),
        masks=tuple(mask for _, mask, _, _ in kinds),
        free=tuple(room // unit for room in free),
        held=tuple(tuple(stay[kind, host] for kind in kinds) for host in range(len(free))),
        waiting=tuple(waiting[kind] for kind in kinds),
        alive=alive,
        passing=tuple(i for i, (_, _, protected, _) in enumerate(kinds) if not protected),
        uses=tuple(used for _, _, _, used in kinds) if problem.resources else (),
        rooms=tuple(_alive(resource.room, alive) for resource in problem.resources),
    ), kinds


def _alive(room: Sequence[int], alive: int) -> tuple[int, ...]:
    return tuple([there if alive >> host & 1 else 0 for host, there in enumerate(room)])


def _assigned(
    before: State, after: State, kinds: Sequence[_Kind], kind_of: Sequence[_Kind]
) -> tuple[int, ...]:
    """Return the host of each wish: of equal ones the first go to the first hosts."""
    hosts: defaultdict[_Kind, list[int]] = defaultdict(list)
    for host in reversed(before.hosts):
        for kind, old, new in zip(kinds, before.held[host], after.held[host], strict=True):
            hosts[kind] += [host] * (new - old)
    return tuple([hosts[kind].pop() for kind in kind_of])
