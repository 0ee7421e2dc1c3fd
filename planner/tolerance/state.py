"""A pool between two failures, in integers: who runs where by kind, and what waits for a place.

States make each other: a host fails, VMs that wait are placed. Decides only whether the loss of any one host
would be survived: the question that an order of failures ends in. Must never choose a placement.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, repeat
from math import gcd

from hacore.clock import Deadline
from planner.constraints.resource import Uses
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
    uses: tuple[Uses, ...] = ()
    """By kind: what else it takes; empty if there is nothing else."""
    rooms: tuple[tuple[int, ...], ...] = ()
    """What else there is, by resource and host."""

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
            rooms=tuple((*room[:host], 0, *room[host + 1 :]) for room in self.rooms),
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
        rooms = self._rooms_after(counts) if self.rooms else ()
        return replace(self, free=tuple(free), held=tuple(map(tuple, held)), waiting=nothing, rooms=rooms)

    def _rooms_after(self, counts: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
        rooms = [list(room) for room in self.rooms]
        for kind, row in enumerate(counts):
            for resource, amount in self.uses[kind]:
                for host, number in enumerate(row):
                    rooms[resource][host] -= amount * number
        assert all(min(room) >= 0 for room in rooms), "more than there is of something"
        return tuple(map(tuple, rooms))

    def question(self) -> tuple[Instance, list[list[int]]]:
        """Return where those who wait could go, and the kinds that each item stands for."""
        kinds: dict[tuple[int, int, Uses], list[int]] = {}
        for kind, number in enumerate(self.waiting):
            if number:
                used = self.uses[kind] if self.uses else ()
                kinds.setdefault((self.needs[kind], self.masks[kind] & self.alive, used), []).append(kind)
        items = tuple(
            Item(size, bins, sum(self.waiting[kind] for kind in same), uses)
            for (size, bins, uses), same in kinds.items()
        )
        return Instance(self.free, items, self.rooms), list(kinds.values())

    def with_packed(self, counts: Sequence[Sequence[int]], kinds: Sequence[Sequence[int]]) -> State:
        """Return the state in which the items of `question` run where `counts` puts them."""
        placed = [(0,) * len(self.free)] * len(self.needs)
        for row, same in zip(counts, kinds, strict=True):
            if len(same) == 1:
                placed[same[0]] = tuple(row)
                continue
            left = list(row)
            for kind in same:
                placed[kind] = tuple(_take(left, self.waiting[kind]))
        return self.placed(placed)


@lru_cache(maxsize=4096)
def bits(mask: int) -> tuple[int, ...]:
    """Return the hosts in a mask, ascending."""
    return tuple(host for host in range(mask.bit_length()) if mask >> host & 1)


def state_of(problem: Problem) -> State:
    """Return the state that a pool is in now; VMs that are down wait."""
    uses = problem.uses or repeat((), len(problem.vms))
    tally = Counter(zip(problem.need_bytes, problem.candidates, uses, problem.home, strict=True))
    kinds = sorted({kind[:3] for kind in tally}, key=lambda kind: (-kind[0], kind[1], kind[2]))
    unit = gcd(*(need for need, _, _ in kinds)) or 1
    all_needs = sum(problem.need_bytes)
    return State(
        needs=tuple(need // unit for need, _, _ in kinds),
        masks=tuple(mask for _, mask, _ in kinds),
        free=tuple(min(free, all_needs) // unit for free in problem.free_bytes),
        held=tuple(tuple(tally[*kind, host] for kind in kinds) for host in range(len(problem.hosts))),
        waiting=tuple(tally[*kind, DOWN] for kind in kinds),
        alive=problem.everywhere,
        uses=tuple(used for _, _, used in kinds) if problem.resources else (),
        rooms=tuple(resource.room for resource in problem.resources),
    )


def settle(state: State, deadline: Deadline) -> State | Refuted | Open:
    """Return a state in which those who wait have a place, or that there is none."""
    instance, kinds = state.question()
    outcome = decide(instance, deadline)
    return state.with_packed(outcome.counts, kinds) if isinstance(outcome, Packed) else outcome


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
    if state.rooms:
        return _suspects_by_number(state)
    needs, masks = state.needs, state.masks
    slack: dict[int, int] = {}
    suspects: list[tuple[int, int]] = []
    for host in state.hosts:
        before, certain, room = 0, True, state.free[host] + 1
        for kind, number in enumerate(state.restarting(host)):
            if not number:
                continue
            need = needs[kind]
            before += need * number
            if kind not in slack:
                slack[kind] = _slack(state, kind)
            own = room - need if room > need and masks[kind] >> host & 1 else 0
            if before - need >= slack[kind] - own:
                certain = False
        if not certain:
            suspects.append((-before, host))
    return [host for _, host in sorted(suspects)]


def _suspects_by_number(state: State) -> list[int]:
    """Return the same where hosts have more than memory: by how many candidates those before could block.

    Each is blocked by memory or by some resource that the VM takes; what is taken of one of these blocks at
    most as many hosts as the least of what they have left allow.
    """
    blocked: dict[int, _Blockable] = {}
    suspects: list[tuple[int, int]] = []
    for host in state.hosts:
        weight, certain = 0, True
        taken = [0] * len(state.rooms)
        for kind, number in enumerate(state.restarting(host)):
            if not number:
                continue
            weight += state.needs[kind] * number
            for resource, amount in state.uses[kind]:
                taken[resource] += amount * number
            if kind not in blocked:
                blocked[kind] = _Blockable.of(state, kind)
            certain = certain and blocked[kind].stays_open(state, kind, host, weight, taken)
        if not certain:
            suspects.append((-weight, host))
    return [host for _, host in sorted(suspects)]


@dataclass(frozen=True, slots=True)
class _Blockable:
    """Hosts that have room for one VM of a kind, and what it takes to block the first, the first two, …"""

    hosts: int
    memory: tuple[int, ...]
    others: tuple[tuple[int, ...], ...]
    """For each resource that the kind takes."""

    @classmethod
    def of(cls, state: State, kind: int) -> _Blockable:
        need, uses = state.needs[kind], state.uses[kind]
        hosts = [
            host
            for host in bits(state.masks[kind] & state.alive)
            if state.free[host] >= need and all(state.rooms[r][host] >= amount for r, amount in uses)
        ]
        memory = accumulate(sorted(state.free[host] - need + 1 for host in hosts))
        others = [accumulate(sorted(state.rooms[r][host] - n + 1 for host in hosts)) for r, n in uses]
        return cls(sum(1 << host for host in hosts), tuple(memory), tuple(map(tuple, others)))

    def stays_open(self, state: State, kind: int, lost: int, weight: int, taken: Sequence[int]) -> bool:
        """Tell whether VMs of this weight, itself among them, leave a host open once `lost` is lost."""
        least = bisect_right(self.memory, weight - state.needs[kind])
        for (resource, amount), steps in zip(state.uses[kind], self.others, strict=True):
            least += bisect_right(steps, taken[resource] - amount)
        return least < (self.hosts & ~(1 << lost)).bit_count()


def _slack(state: State, kind: int) -> int:
    """Return what at least must be taken before no candidate of a kind has room for one more."""
    most, free = state.needs[kind] - 1, state.free
    return sum([free[b] - most for b in bits(state.masks[kind] & state.alive) if free[b] > most])
