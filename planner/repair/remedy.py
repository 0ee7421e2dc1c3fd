"""What helps where no migration does: the cheapest memory to buy, and the fewest VMs to demote.

Nothing is moved for either. More memory on one host never loses a failure set that was survived, nor does a
VM that need not be restarted: both are bisected or searched over proofs. What stays open is never a yes, and
takes the "proven" from the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import repeat
from math import ceil

from planner.changes.apply import apply
from planner.changes.change import parse_change
from planner.constraints.resource import Uses
from planner.constraints.rules import Rules
from planner.model import Pool
from planner.placement.problem import DOWN, Problem, problem_of
from planner.repair.judge import Judge
from planner.repair.refute import Volume, fewest_reaching
from planner.repair.result import NEW_HOST, Purchase

MIB = 1 << 20


def cheapest_purchase(pool: Pool, rules: Rules, failures: int, judge: Judge) -> tuple[Purchase | None, bool]:
    """Return the least memory (whole MiB) that reaches the level, and whether that is proven the least.

    Of equals a host that is there comes before a new one. Where rules count vCPUs a new one has cores for all
    at first, then as few as do with that memory.
    """
    opened = judge.open_answers
    best: Purchase | None = None
    for name, problem, host, free in _options(pool, rules):
        enough = max(1, -(-(sum(problem.need_bytes) - min(0, free)) // MIB))  # every VM fits there
        most = enough if best is None else min(enough, best.bytes // MIB - 1)
        steps = _least(problem, host, free, most, failures, judge)
        if steps is not None:
            best = Purchase(name, steps * MIB)
        if judge.deadline.passed():
            return best, False
    if best is not None and best.host == NEW_HOST and rules.vcpus_per_core is not None:
        best = replace(best, cpus=_fewest_cpus(pool, rules, best.bytes, failures, judge))
    return best, judge.open_answers == opened and not judge.deadline.passed()


def _options(pool: Pool, rules: Rules) -> Iterator[tuple[str, Problem, int, int]]:
    """Yield name, integers, index and free bytes before clamping of each host that can have more memory."""
    problem = problem_of(pool, rules)
    for host, uuid in enumerate(problem.hosts):
        yield uuid, problem, host, pool.free_unclamped_bytes[uuid]
    larger, index = _with_one_more(pool, rules, _most_cpus(pool, rules))
    yield NEW_HOST, larger, index, 0


def _with_one_more(pool: Pool, rules: Rules, cpus: int | None) -> tuple[Problem, int]:
    """Return the integers with one more host with so many cores and hardly any memory, and its index."""
    name = NEW_HOST
    while any(name in (host.uuid, host.name) for host in pool.hosts):
        name += "-"
    more = apply(pool, parse_change(f"add-host={name}:1MiB"))
    hosts = tuple(replace(host, cpus=cpus) if host.uuid == name else host for host in more.hosts)
    problem = problem_of(replace(more, hosts=hosts), rules)
    return problem, problem.hosts.index(name)


def _most_cpus(pool: Pool, rules: Rules) -> int | None:
    """Return the cores with which a host could take every protected VM; None where vCPUs are not counted."""
    ratio = rules.vcpus_per_core
    return None if ratio is None else ceil(sum(vm.vcpus for vm in pool.protected_vms) / ratio)


def _fewest_cpus(pool: Pool, rules: Rules, room_bytes: int, failures: int, judge: Judge) -> int:
    """Return the fewest cores with which one more host with this much memory is seen to do."""
    low, high = -1, _most_cpus(pool, rules) or 0
    while high - low > 1 and not judge.deadline.passed():
        middle = (low + high) // 2
        problem, index = _with_one_more(pool, rules, middle)
        held = judge.holds(_with_room(problem, index, room_bytes), failures)
        low, high = (low, middle) if held else (middle, high)
    return high


def _least(
    problem: Problem, host: int, free_bytes: int, most: int, failures: int, judge: Judge
) -> int | None:
    """Return how many MiB more on this host are the least that do, up to `most`; None if none do."""

    def holds(steps: int) -> bool:
        room = max(0, free_bytes + steps * MIB)
        return bool(judge.holds(_with_room(problem, host, room), failures))

    if most < 1 or not holds(most):
        return None
    low, high = 0, most
    while high - low > 1 and not judge.deadline.passed():
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _with_room(problem: Problem, host: int, room_bytes: int) -> Problem:
    free = (*problem.free_bytes[:host], room_bytes, *problem.free_bytes[host + 1 :])
    return replace(problem, free_bytes=free)


def fewest_demotions(problem: Problem, failures: int, judge: Judge) -> tuple[tuple[str, ...] | None, bool]:
    """Return the fewest protected VMs whose demotion reaches the level, and whether fewer are refuted."""
    search = _Demotion(problem, failures, judge)
    some = search.some()
    if some is None:
        return None, False
    volume = Volume.of(problem, failures)
    for number in range(fewest_reaching(volume.lacking_bytes, problem.need_bytes), len(some)):
        found = search.look(frozenset(), number)
        if found is not None:
            return _uuids(problem, found), not search.open
        if judge.deadline.passed():
            return _uuids(problem, some), False
    return _uuids(problem, some), not search.open


def _uuids(problem: Problem, rows: frozenset[int]) -> tuple[str, ...]:
    return tuple(sorted(problem.vms[row] for row in rows))


@dataclass(slots=True)
class _Demotion:
    """A demotion must hit the restarting VMs of every lost set: so it is searched by lost sets."""

    problem: Problem
    failures: int
    judge: Judge
    open: bool = False
    _seen: set[frozenset[int]] = field(default_factory=set)

    def some(self) -> frozenset[int] | None:
        """Return some VMs that do, the largest of each lost set; None if none are found."""
        rows: frozenset[int] = frozenset()
        while not self.judge.deadline.passed():
            ruling = self.judge.ask(_without(self.problem, rows), self.failures)
            if ruling.holds:
                return rows
            hit = [] if ruling.lost is None else self._restarting(rows, ruling.lost)
            if not hit:
                return None
            rows |= {hit[0]}
        return None

    def look(self, rows: frozenset[int], left: int) -> frozenset[int] | None:
        """Return at most `left` more VMs that do, together with `rows`; None: none, unless `open`."""
        if rows in self._seen or self.judge.deadline.passed():
            self.open = self.open or self.judge.deadline.passed()
            return None
        ruling = self.judge.ask(_without(self.problem, rows), self.failures)
        if ruling.holds:
            return rows
        self.open = self.open or ruling.holds is None
        if left and ruling.lost is not None:
            for row in self._restarting(rows, ruling.lost):
                found = self.look(rows | {row}, left - 1)
                if found is not None:
                    return found
        return None

    def _restarting(self, rows: frozenset[int], lost: int) -> list[int]:
        """Return one VM of each kind that restarts when these hosts are lost, the largest first."""
        kinds: dict[tuple[int, int, int, Uses], int] = {}
        problem = self.problem
        uses = problem.uses or repeat((), len(problem.vms))
        for row, key in enumerate(
            zip(problem.need_bytes, problem.candidates, problem.home, uses, strict=True)
        ):
            if row not in rows and (key[2] == DOWN or lost >> key[2] & 1):
                kinds.setdefault(key, row)
        return [row for _, row in sorted(kinds.items(), key=lambda kind: (-kind[0][0], kind[1]))]


def _without(problem: Problem, rows: frozenset[int]) -> Problem:
    """Return the problem with some VMs no longer protected: they keep their memory."""
    keep = [row for row in range(len(problem.vms)) if row not in rows]
    return replace(
        problem,
        vms=tuple([problem.vms[row] for row in keep]),
        need_bytes=tuple([problem.need_bytes[row] for row in keep]),
        home=tuple([problem.home[row] for row in keep]),
        candidates=tuple([problem.candidates[row] for row in keep]),
        uses=tuple([problem.uses[row] for row in keep]) if problem.uses else (),
    )
