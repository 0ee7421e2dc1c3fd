"""Does a pool still survive k failures with more VMs on it? Headroom asks it hundreds of times.

A trial adds protected, agile VMs to hosts of a counted problem and asks for one level only, so that most
answers cost a closed form. Must never take "open" for an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hacore.clock import Clock, Deadline
from planner.constraints.resource import Resource, Uses
from planner.placement.problem import Problem
from planner.tolerance.counts import count
from planner.tolerance.simultaneous import simultaneous_bounds


@dataclass(frozen=True, slots=True)
class Trial:
    """One problem and the failures that it shall survive (≥ 0); each question may take `limit_seconds`.

    `uses`: what every VM that is added takes of the problem's resources, all of which it must have.
    """

    problem: Problem
    failures: int
    clock: Clock
    limit_seconds: float
    uses: Uses = ()

    def keeps(self, need_bytes: int, numbers: Sequence[int]) -> bool | None:
        """Tell whether the level holds with `numbers[h]` more VMs of `need_bytes` on host h; None: open."""
        problem = _with(self.problem, need_bytes, self.uses, numbers)
        if problem.cap is not None and problem.cap < self.failures:
            return False
        if not problem.vms:
            return self.failures <= len(problem.hosts)
        rooms = (problem.free_bytes, *[resource.room for resource in problem.resources])
        if not problem.hosts or min(map(min, rooms)) < 0:
            return False
        deadline = Deadline.after(self.clock, self.limit_seconds)
        bounds, _ = simultaneous_bounds(count(problem.pruned), self.failures, deadline, explained=False)
        if bounds.lower >= self.failures:
            return True
        return False if bounds.upper < self.failures else None


def _with(problem: Problem, need_bytes: int, uses: Uses, numbers: Sequence[int]) -> Problem:
    """Return the problem with these VMs running; what does not fit shows as free memory below 0."""
    homes = [host for host, number in enumerate(numbers) for _ in range(number)]
    return replace(
        problem,
        free_bytes=tuple(
            [free - need_bytes * number for free, number in zip(problem.free_bytes, numbers, strict=True)]
        ),
        vms=(*problem.vms, *[f"+{i}" for i in range(len(homes))]),
        need_bytes=(*problem.need_bytes, *[need_bytes] * len(homes)),
        home=(*problem.home, *homes),
        candidates=(*problem.candidates, *[problem.everywhere] * len(homes)),
        resources=tuple([_taken(resource, r, uses, numbers) for r, resource in enumerate(problem.resources)]),
        uses=(*problem.uses, *[uses] * len(homes)) if problem.resources else (),
    )


def _taken(resource: Resource, r: int, uses: Uses, numbers: Sequence[int]) -> Resource:
    """Return what is left of a resource on each host; what does not fit shows as room below 0."""
    amount = dict(uses).get(r, 0)
    room = [there - amount * number for there, number in zip(resource.room, numbers, strict=True)]
    return replace(resource, room=tuple(room)) if amount else resource
