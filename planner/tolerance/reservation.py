"""The reservation certificate (TOLERANCE §6): room set aside as slots, so that no order of failures traps us.

Every host keeps free slots of a few sizes; a VM that restarts takes the smallest free slot that is large
enough. If for every size the slots and VMs of any k hosts, and the VMs that are down, are no more than all
slots, no VM ever finds all slots taken, whichever k hosts fail in whichever order. VMs that may run on some
hosts only have slots of their own there. The solver proposes; what is claimed was checked in integers here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hacore.clock import Deadline
from planner.placement.problem import DOWN, Problem
from planner.placement.solver import Row

MOST_SIZES = 10
"""Of slots for the VMs with the same candidates: more waste less room, but the program grows."""
MOST_CLASSES = 24
"""Sizes of all candidate sets together: beyond it nothing is claimed."""
MOST_GROUPED = 120
"""Distinct needs between which sizes are chosen exactly; more are first joined by number."""
MOST_UNITS = 1 << 20
"""Room of the roomiest host in units: a solver's floats tell neighbours apart up to there."""


@dataclass(frozen=True, slots=True)
class SlotClass:
    """Slots of one size (bytes) for the VMs whose candidates are `hosts`; who needs them, by host."""

    size_bytes: int
    hosts: int
    running: tuple[int, ...]
    """VMs of this class on each host; a smaller slot of the same `hosts` is too small for them."""
    down: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """`slots[c][h]` of class c on host h: a promise for `failures` failures in any order."""

    failures: int
    classes: tuple[SlotClass, ...]
    slots: tuple[tuple[int, ...], ...]


def reserve(
    problem: Problem, failures: int, deadline: Deadline, classes: Sequence[SlotClass] | None = None
) -> Reservation | None:
    """Return slots that survive so many failures in any order; None if none are found: no proof of anything.

    `classes` None: those of `classes_of`.
    """
    classes = classes_of(problem) if classes is None else classes
    if not classes or failures < 0:
        return None
    from planner.placement import solver

    program = _Program(problem, tuple(classes), failures)
    if not program.possible:
        return None
    _, values = solver.integers(program.tops, list(program.rows()), deadline)
    if values is None:
        return None
    found = Reservation(failures, program.classes, program.slots(values))
    return None if violations(problem, found) else found


def classes_of(problem: Problem) -> tuple[SlotClass, ...]:
    """Return the classes by candidates, then size; empty if they would be too many."""
    members: defaultdict[int, list[int]] = defaultdict(list)
    for i, mask in enumerate(problem.candidates):
        members[mask].append(i)
    if len(members) > MOST_CLASSES:
        return ()
    most_sizes = max(1, min(MOST_SIZES, MOST_CLASSES // max(1, len(members))))
    return tuple(
        each for mask, inside in sorted(members.items()) for each in _group(problem, mask, inside, most_sizes)
    )


def _group(problem: Problem, mask: int, members: Sequence[int], most_sizes: int) -> Iterator[SlotClass]:
    number = Counter(problem.need_bytes[i] for i in members)
    lowest = 0
    for size in slot_sizes(number, most_sizes):
        homes = Counter(problem.home[i] for i in members if lowest < problem.need_bytes[i] <= size)
        running = tuple(homes[host] for host in range(len(problem.hosts)))
        yield SlotClass(size, mask, running, homes[DOWN])
        lowest = size


def slot_sizes(number: Counter[int], most: int) -> tuple[int, ...]:
    """Return at most so many of the needs as sizes, ascending: rounding every need up wastes least memory."""
    needs = _joined(number)
    sizes = [need for need, _ in needs]
    if len(sizes) <= most:
        return tuple(sizes)
    total, weight = [0], [0]
    for need, count in needs:
        total.append(total[-1] + count)
        weight.append(weight[-1] + count * need)
    # best[j]: least waste of needs 0 … j with the sizes so far, and these sizes, of which the last is need j.
    best: list[tuple[int, tuple[int, ...]]] = [
        (sizes[j] * total[j + 1] - weight[j + 1], (sizes[j],)) for j in range(len(sizes))
    ]
    for _ in range(most - 1):
        best = [
            min(
                [best[j]]
                + [
                    (
                        waste + sizes[j] * (total[j + 1] - total[i + 1]) - (weight[j + 1] - weight[i + 1]),
                        (*chosen, sizes[j]),
                    )
                    for i, (waste, chosen) in enumerate(best[:j])
                ]
            )
            for j in range(len(sizes))
        ]
    return best[-1][1]


def _joined(number: Counter[int]) -> list[tuple[int, int]]:
    """Return (need, VMs) ascending, neighbours joined to the larger need until few are left."""
    needs = sorted(number.items())
    while len(needs) > MOST_GROUPED:
        pairs = [needs[max(0, i - 1) : i + 1] for i in range(len(needs) - 1, -1, -2)]
        needs = [(pair[-1][0], sum(count for _, count in pair)) for pair in reversed(pairs)]
    return needs


class _Program:
    """The integer program: slots by class and host, then θ and π of the k largest by class (LP duality)."""

    def __init__(self, problem: Problem, classes: tuple[SlotClass, ...], failures: int) -> None:
        self.classes = classes
        self.failures = failures
        self.hosts = len(problem.hosts)
        unit = max(1, -(-max(problem.free_bytes) // MOST_UNITS))
        self._sizes = [-(-each.size_bytes // unit) for each in classes]
        self._room = [free // unit for free in problem.free_bytes]
        self._wanted = [_at_least(classes, c) for c in range(len(classes))]
        slots = [
            self._room[h] // size if each.hosts >> h & 1 else 0
            for each, size in zip(classes, self._sizes, strict=True)
            for h in range(self.hosts)
        ]
        self._most = 1 + sum(slots) + sum(sum(each.running) + each.down for each in classes)
        self.tops = [*slots, *[self._most] * (len(classes) * (self.hosts + 1))]

    @property
    def possible(self) -> bool:
        """Tell whether the VMs of any k hosts could have a slot at all: a quick look."""
        slots = self.tops[: len(self.classes) * self.hosts]
        return all(
            sum(sum(slots[d * self.hosts : (d + 1) * self.hosts]) for d in _and_larger(self.classes, c))
            >= sum(sorted(running, reverse=True)[: self.failures]) + down
            for c, (running, down) in enumerate(self._wanted)
        )

    def _slot(self, c: int, host: int) -> int:
        return c * self.hosts + host

    def rows(self) -> Iterator[Row]:
        """Return the rows: room, who is among the k largest, and what must be left."""
        for host, room in enumerate(self._room):
            terms = tuple((self._slot(c, host), size) for c, size in enumerate(self._sizes))
            yield Row(terms, 0, room)
        duals = len(self.classes) * self.hosts
        for c, (running, down) in enumerate(self._wanted):
            larger = _and_larger(self.classes, c)
            theta = duals + c * (self.hosts + 1)
            for host in range(self.hosts):
                slots = tuple((self._slot(d, host), -1) for d in larger)
                yield Row(((theta, 1), (theta + 1 + host, 1), *slots), running[host], 2 * self._most)
            every = tuple((self._slot(d, host), 1) for d in larger for host in range(self.hosts))
            pi = tuple((theta + 1 + host, -1) for host in range(self.hosts))
            yield Row((*every, (theta, -self.failures), *pi), down, self._most)

    def slots(self, values: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """Return the slots that a solution means."""
        return tuple(tuple(values[c * self.hosts : (c + 1) * self.hosts]) for c in range(len(self.classes)))


def _and_larger(classes: Sequence[SlotClass], c: int) -> list[int]:
    """Return the classes whose slots VMs of class c may take: the same hosts, no smaller."""
    mine = classes[c]
    return [d for d, o in enumerate(classes) if o.hosts == mine.hosts and o.size_bytes >= mine.size_bytes]


def _at_least(classes: Sequence[SlotClass], c: int) -> tuple[tuple[int, ...], int]:
    """Return the VMs of class c and larger: running on each host, and down."""
    larger = [classes[d] for d in _and_larger(classes, c)]
    running = zip(*(each.running for each in larger), strict=True)
    return tuple(map(sum, running)), sum(each.down for each in larger)


def violations(problem: Problem, reservation: Reservation) -> tuple[str, ...]:
    """Return every rule of TOLERANCE §6 that a reservation breaks, in exact bytes; empty if it holds."""
    classes, slots = reservation.classes, reservation.slots
    return (*_out_of_place(problem, classes, slots), *_too_few(problem, reservation))


def _out_of_place(
    problem: Problem, classes: Sequence[SlotClass], slots: Sequence[Sequence[int]]
) -> Iterator[str]:
    for each, row in zip(classes, slots, strict=True):
        if any(n < 0 or (n and not each.hosts >> h & 1) for h, n in enumerate(row)):
            yield f"slots of {each.size_bytes} bytes stand where their VMs cannot run"
    for host, free in enumerate(problem.free_bytes):
        taken = sum(each.size_bytes * row[host] for each, row in zip(classes, slots, strict=True))
        if taken > free:
            yield f"host {host}: slots of {taken} bytes in {free}"


def _too_few(problem: Problem, reservation: Reservation) -> Iterator[str]:
    """For every need that occurs: the k largest of slots and VMs, and the VMs down, within all slots."""
    classes, slots, k = reservation.classes, reservation.slots, reservation.failures
    counted = Counter(zip(problem.candidates, problem.need_bytes, strict=True))
    if sum(sum(each.running) + each.down for each in classes) != counted.total():
        yield "not every VM has a class"
    for c, each in enumerate(classes):
        larger = _and_larger(classes, c)
        running, down = _at_least(classes, c)
        held = [sum(slots[d][host] for d in larger) for host in range(len(problem.hosts))]
        losses = sorted((r + n for r, n in zip(held, running, strict=True)), reverse=True)
        if sum(losses[:k]) + down > sum(held):
            yield f"{k} failures can take more slots of {each.size_bytes} bytes than there are"
