"""A pool between two failures, in integers: who runs where by kind, and what waits for a place.

States make each other: a host fails, VMs that wait are placed. Decides only whether the loss of any one host
would be survived: the question that an order of failures ends in. Must never choose a placement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import gcd

from hacore.clock import Deadline
from planner.placement.leaf import decide
from planner.placement.packing import Instance, Item, Open, Packed, Refuted
from planner.placement.problem import DOWN, Problem


@dataclass(frozen=True, slots=True)
class State:
    """VMs by kind: `needs` (exact units, falling) and `masks` of candidates; hosts as in the problem."""

    needs: tuple[int, ...]
    masks: tuple[int, ...]
    free: tuple[int, ...]
    """Units by host; 0 on a host that failed."""
    held: tuple[tuple[int, ...], ...]
    """VMs by host and kind."""
    waiting: tuple[int, ...]
    """VMs by kind that need a place."""
    alive: int
    passing: tuple[int, ...] = ()
    """Kinds that only take memory once they are placed: nobody has to restart them again (best-effort)."""

    @property
    def hosts(self) -> tuple[int, ...]:
        """Return the hosts that have not failed, ascending."""
        return bits(self.alive)

    def restarting(self, host: int) -> tuple[int, ...]:
        """Return the VMs by kind that need another place if a host fails."""
        held = self.held[host]
        if not self.passing:
            return held
        return tuple([0 if kind in self.passing else number for kind, number in enumerate(held)])

    def fail(self, host: int) -> State:
        """Return the state in which the VMs of `host` wait for a place elsewhere."""
        nothing = (0,) * len(self.needs)
        return replace(
            self,
            free=(*self.free[:host], 0, *self.free[host + 1 :]),
            held=(*self.held[:host], nothing, *self.held[host + 1 :]),
            waiting=tuple(map(int.__add__, self.waiting, self.restarting(host))),
            alive=self.alive & ~(1 << host),
        )

    def placed(self, counts: Sequence[Sequence[int]]) -> State:
        """Return the state in which `counts` (kinds × hosts) of those who waited run; all must be placed."""
        assert tuple(map(sum, counts)) == self.waiting, "somebody is forgotten"
        free, held = list(self.free), [list(row) for row in self.held]
        for kind, row in enumerate(counts):
            for host, number in enumerate(row):
                if number:
                    assert (self.alive & self.masks[kind]) >> host & 1, "out of reach"
                    free[host] -= self.needs[kind] * number
                    held[host][kind] += number
        assert min(free, default=0) >= 0, "more than there is room for"
        nothing = (0,) * len(self.needs)
        return replace(self, free=tuple(free), held=tuple(map(tuple, held)), waiting=nothing)


@lru_cache(maxsize=4096)
def bits(mask: int) -> tuple[int, ...]:
    """Return the hosts in a mask, ascending."""
    return tuple(host for host in range(mask.bit_length()) if mask >> host & 1)


def state_of(problem: Problem) -> State:
    """Return the state that a pool is in now; VMs that are down wait."""
    tally = Counter(zip(problem.need_bytes, problem.candidates, problem.home, strict=True))
    kinds = sorted({(need, mask) for need, mask, _ in tally}, key=lambda kind: (-kind[0], kind[1]))
    unit = gcd(*(need for need, _ in kinds)) or 1
    all_needs = sum(problem.need_bytes)
    return State(
        needs=tuple(need // unit for need, _ in kinds),
        masks=tuple(mask for _, mask in kinds),
        free=tuple(min(free, all_needs) // unit for free in problem.free_bytes),
        held=tuple(
            tuple(tally[need, mask, host] for need, mask in kinds) for host in range(len(problem.hosts))
        ),
        waiting=tuple(tally[need, mask, DOWN] for need, mask in kinds),
        alive=problem.everywhere,
    )


def settle(state: State, deadline: Deadline) -> State | Refuted | Open:
    """Return a state in which those who wait have a place, or that there is none."""
    keys = [(need, mask & state.alive) for need, mask in zip(state.needs, state.masks, strict=True)]
    number: Counter[tuple[int, int]] = Counter()
    for key, waiting in zip(keys, state.waiting, strict=True):
        if waiting:
            number[key] += waiting
    items = tuple(Item(size, bins, count) for (size, bins), count in number.items())
    outcome = decide(Instance(state.free, items), deadline)
    if not isinstance(outcome, Packed):
        return outcome
    rows = dict(zip(number, map(list, outcome.counts), strict=True))
    return state.placed([_take(rows.get(key, []), n) for key, n in zip(keys, state.waiting, strict=True)])


def _take(row: list[int], number: int) -> list[int]:
    """Take so many VMs out of a row that kinds with the same choice share."""
    taken = []
    for host, there in enumerate(row):
        taken.append(min(there, number))
        number -= taken[-1]
        row[host] -= taken[-1]
    return taken


def lost_hosts(state: State, deadline: Deadline, most: int) -> tuple[list[int], bool]:
    """Return up to `most` hosts whose loss is not survived, and whether any others are open.

    Nobody may be waiting.
    """
    lost: list[int] = []
    undecided = False
    for host in _suspects(state):
        outcome = settle(state.fail(host), deadline)
        if isinstance(outcome, Open):
            undecided = True
        elif isinstance(outcome, Refuted):
            lost.append(host)
            if len(lost) == most:
                break
    return lost, undecided


def _suspects(state: State) -> list[int]:
    """Return the hosts whose loss any-fit might not survive, the heaviest first.

    TOLERANCE §2, §5: the VMs of a failed host are taken by falling need; one of size s finds no room only if
    each of its candidates b holds more than free_b − s of those before it.
    """
    slack: dict[int, int] = {}
    suspects: list[tuple[int, int]] = []
    for host in state.hosts:
        before, certain = 0, True
        for kind, number in enumerate(state.restarting(host)):
            if not number:
                continue
            before += state.needs[kind] * number
            if kind not in slack:
                slack[kind] = _slack(state, kind)
            own = max(0, state.free[host] - state.needs[kind] + 1) if state.masks[kind] >> host & 1 else 0
            if before - state.needs[kind] >= slack[kind] - own:
                certain = False
        if not certain:
            suspects.append((-before, host))
    return [host for _, host in sorted(suspects)]


def _slack(state: State, kind: int) -> int:
    """Return what at least must be taken before no candidate of a kind has room for one more."""
    most = state.needs[kind] - 1
    return sum([state.free[b] - most for b in bits(state.masks[kind] & state.alive) if state.free[b] > most])
