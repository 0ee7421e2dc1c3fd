"""Headroom: what can still be started while the tolerance stays at the target (DESIGN §5.5, TOLERANCE §7).

A smaller VM fits wherever a larger one does, in every failure too: the sizes that keep the target are a
down-set, and bisection finds its end. Each step is a proof or stays open; what is open widens the answer and
never counts as a yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import comb

from hacore.clock import Clock, Deadline, Stopwatch
from planner.constraints.memory import applied
from planner.constraints.rules import NO_RULES, Rules
from planner.model import Pool
from planner.placement.problem import Problem, problem_of
from planner.results import Headroom, Span
from planner.tolerance.trial import Trial

STEP_BYTES = 1 << 20
"""How finely sizes are told apart."""
TRIAL_SHARE = 0.05
"""Share of the whole limit that one question may take."""
WAYS_MAX = 2_000
"""Ways of spreading VMs that are tried one by one; where there are more, the number may stay open."""

Holds = Callable[[int], bool | None]
"""Whether so many of something keep the target; None: open."""


def headroom(
    pool: Pool,
    *,
    target: int | None = None,
    size_bytes: int | None = None,
    vcpus: int = 1,
    limit_seconds: float = 10.0,
    clock: Clock,
    rules: Rules = NO_RULES,
) -> Headroom:
    """Return what can still start; `size_bytes` also asks how many VMs of this need can.

    `target` None: the pool's own, or 0 if it has none. Every new VM has so many `vcpus`, which count if the
    `rules` say so. After `limit_seconds` the bounds may differ.
    """
    watch, deadline = Stopwatch.start(clock), Deadline.after(clock, limit_seconds)
    wanted = target if target is not None else pool.target or 0
    pool, rules = applied(pool, rules)
    problem = problem_of(pool, rules, all_resources=True)
    uses = tuple((r, vcpus) for r, resource in enumerate(problem.resources) if resource.reason == "cpu")
    trial = Trial(problem, wanted, clock, limit_seconds * TRIAL_SHARE, uses)
    per_host = _per_host(trial, deadline)
    largest = Span(
        max((span.lower for span in per_host), default=0), max((span.upper for span in per_host), default=0)
    )
    count = None if size_bytes is None else _count(trial, size_bytes, largest, deadline)
    hosts = tuple(zip(trial.problem.hosts, per_host, strict=True))
    return Headroom(wanted, largest, hosts, count, watch.seconds())


def _per_host(trial: Trial, deadline: Deadline) -> list[Span]:
    """Return the largest VM of each host; by falling room, what one said is tried first on the next."""
    free = trial.problem.free_bytes
    spans = [Span(0, 0)] * len(free)
    hint = 0
    for host in sorted(range(len(free)), key=lambda host: (-free[host], host)):
        steps = _largest(trial, host, free[host] // STEP_BYTES, hint, deadline)
        hint = steps.lower
        spans[host] = Span(steps.lower * STEP_BYTES, steps.upper * STEP_BYTES)
    return spans


def _largest(trial: Trial, host: int, room: int, hint: int, deadline: Deadline) -> Span:
    def holds(steps: int) -> bool | None:
        numbers = [int(other == host) for other in range(len(trial.problem.hosts))]
        return trial.keeps(steps * STEP_BYTES, numbers)

    return bisect(holds, room, hint, deadline)


def bisect(holds: Holds, most: int, hint: int, deadline: Deadline) -> Span:
    """Return the largest number in 1 … `most` that holds (0: none), between bounds.

    `holds` must be true up to some number and false from there on; None leaves a question open. Starts at
    `hint` and goes away from it in growing steps.
    """
    low, high, step = 0, most + 1, 1  # low holds (0 needs nothing), high does not
    unknown: list[int] = []
    guess: int | None = min(max(hint, 1), most)
    while guess is not None and high - low > 1 and not deadline.passed():
        answer = holds(guess)
        if answer is None:
            unknown.append(guess)
        elif answer:
            low = guess
        else:
            high = guess
        away = hint + step if low >= hint else hint - step
        step *= 4
        guess = away if low < away < high and not unknown else _between(low, high, unknown)
    return Span(low, high - 1)


def _between(low: int, high: int, unknown: Sequence[int]) -> int | None:
    """Return the number to ask next: the middle of the wider open side; None if both are settled."""
    inside = [number for number in unknown if low < number < high]
    if not inside:
        return (low + high) // 2
    first, last = min(inside), max(inside)
    if first - low > 1 and first - low >= high - last:
        return (low + first) // 2
    return (last + high) // 2 if high - last > 1 else None


def _count(trial: Trial, size_bytes: int, largest: Span, deadline: Deadline) -> Span:
    if size_bytes >= largest.upper + STEP_BYTES:
        return Span(0, 0)  # not even one can
    return most_vms(trial, size_bytes, deadline)


def most_vms(trial: Trial, size_bytes: int, deadline: Deadline) -> Span:
    """Return how many VMs of this need can start one after the other, in the best way."""
    problem = trial.problem
    rooms = [free // size_bytes for free in problem.free_bytes]
    upper = _most_by_slots(problem, size_bytes, trial.failures, rooms)
    for resource, amount in trial.uses:
        slots = [left // amount for left in problem.resources[resource].room]
        asked = [dict(uses).get(resource, 0) // amount for uses in problem.uses]
        upper = min(upper, max(0, _left(problem, slots, asked, trial.failures)))
        rooms = [min(pair) for pair in zip(rooms, slots, strict=True)]
    upper = min(upper, sum(rooms))
    best: list[int] = [0] * len(rooms)
    for fill in (_level, _roomiest_first, _tightest_first):

        def holds(number: int, fill: Fill = fill) -> bool | None:
            return trial.keeps(size_bytes, fill(rooms, number))

        found = bisect(holds, upper, sum(best) + 1, deadline)
        if found.lower > sum(best):
            best = fill(rooms, found.lower)
        if sum(best) == upper:
            break
    best = _one_more(trial, size_bytes, rooms, best, upper, deadline)
    return _settled(trial, size_bytes, rooms, Span(sum(best), max(upper, sum(best))), deadline)


Fill = Callable[[Sequence[int], int], list[int]]


def _level(rooms: Sequence[int], number: int) -> list[int]:
    """Spread VMs so that what is left is level: each goes where most room is left."""
    numbers = [0] * len(rooms)
    left = list(rooms)
    for _ in range(number):
        host = max(range(len(left)), key=lambda host: (left[host], -host))
        numbers[host] += 1
        left[host] -= 1
    return numbers


def _roomiest_first(rooms: Sequence[int], number: int) -> list[int]:
    return _filled(rooms, number, sorted(range(len(rooms)), key=lambda host: (-rooms[host], host)))


def _tightest_first(rooms: Sequence[int], number: int) -> list[int]:
    return _filled(rooms, number, sorted(range(len(rooms)), key=lambda host: (rooms[host], host)))


def _filled(rooms: Sequence[int], number: int, order: Sequence[int]) -> list[int]:
    numbers = [0] * len(rooms)
    for host in order:
        numbers[host] = min(rooms[host], number)
        number -= numbers[host]
    return numbers


def _one_more(
    trial: Trial, size_bytes: int, rooms: Sequence[int], numbers: list[int], upper: int, deadline: Deadline
) -> list[int]:
    """Add single VMs wherever one still keeps the target."""
    for host in range(len(rooms)):
        while sum(numbers) < upper and numbers[host] < rooms[host] and not deadline.passed():
            more = [number + (other == host) for other, number in enumerate(numbers)]
            if not trial.keeps(size_bytes, more):
                break
            numbers = more
    return numbers


def _settled(trial: Trial, size_bytes: int, rooms: Sequence[int], found: Span, deadline: Deadline) -> Span:
    """Return what is known once every way to start one more has been tried, where these are few.

    Where n can start, n − 1 can: if no way to start one more keeps the target, no larger number does.
    """
    number = found.lower
    while number < found.upper:
        more = _some_way(trial, size_bytes, rooms, number + 1, deadline)
        if more is None:
            return Span(number, found.upper)
        if not more:
            break
        number += 1
    return Span(number, number)


def _some_way(
    trial: Trial, size_bytes: int, rooms: Sequence[int], number: int, deadline: Deadline
) -> bool | None:
    """Tell whether so many keep the target in some way of spreading them; None: open."""
    if comb(number + len(rooms) - 1, number) > WAYS_MAX:
        return None
    settled = True
    for numbers in _ways(rooms, number):
        if deadline.passed():
            return None
        kept = trial.keeps(size_bytes, numbers)
        if kept:
            return True
        settled = settled and kept is not None
    return False if settled else None


def _ways(rooms: Sequence[int], number: int) -> Iterator[list[int]]:
    """Yield every way to spread so many VMs over hosts with room for these numbers."""
    if not rooms:
        if number == 0:
            yield []
        return
    for here in range(min(rooms[0], number), -1, -1):
        for others in _ways(rooms[1:], number - here):
            yield [here, *others]


def _most_by_slots(problem: Problem, size_bytes: int, failures: int, rooms: Sequence[int]) -> int:
    """Return a number that no placement exceeds.

    Count in slots of the new VM's size, a protected VM of need n taking ⌊n / size⌋ of them. What the failed
    hosts' VMs take must be there on the others: Σ over the failed of (slots + demand) ≤ Σ slots of all, less
    what is down. A new VM takes a slot of its host and adds one to its demand: the left side stays, the right
    side loses one for each. Needs of less than a slot count nothing here; in bytes they do, and the same
    holds there.
    """
    slots = _left(problem, rooms, [need // size_bytes for need in problem.need_bytes], failures)
    in_bytes = _left(problem, problem.free_bytes, problem.need_bytes, failures)
    return max(0, min(slots, in_bytes // size_bytes))


def _left(problem: Problem, room: Sequence[int], demand: Sequence[int], failures: int) -> int:
    terms = list(room)
    down = 0
    for need, home in zip(demand, problem.home, strict=True):
        if home >= 0:
            terms[home] += need
        else:
            down += need
    return sum(room) - down - sum(sorted(terms, reverse=True)[:failures])
