"""What is true of a small pool, found out the slow way: every failure set, every packing.

Judges the planner, so it shares nothing with it but `planner.model`: free memory, reach and what is down are
worked out here again from DESIGN §2. Must never import `planner.tolerance`, `planner.placement` or
`hacore.kernel`. Exponential: up to about 7 hosts and 15 VMs; `certainly_unpackable` also for large ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, lru_cache
from itertools import chain, combinations
from math import floor, gcd

from planner.model import VM, Pool

Item = tuple[int, int]
"""(size, mask of the bins it may go into)."""
Left = tuple[tuple[int, ...], ...]
"""What hosts have left: memory first, then the others."""
Home = tuple[int | None, ...]
"""Where each guest is."""
Fears = Mapping[str, "Fears"]
"""By host that may fail next: what may fail after it."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A protected VM that runs on a host in service (`home`) or is down (`home` None)."""

    uuid: str
    size: int
    home: int | None
    allowed: int
    takes: tuple[int, ...] = ()
    """What it takes of each of the world's `others`."""


@dataclass(frozen=True, slots=True)
class World:
    """The live enabled hosts, their free memory, and the VMs that HA must restart."""

    hosts: tuple[str, ...]
    free: tuple[int, ...]
    guests: tuple[Guest, ...]
    cap: int
    others: tuple[tuple[int, ...], ...] = ()
    """Beside memory, by host: free vCPUs, then one place a host for each enforced group."""

    @classmethod
    def of(cls, pool: Pool, vcpus_per_core: Fraction | None = None) -> World:
        """Read a pool (DESIGN §2); vCPUs count if there is a ratio."""
        hosts = [host for host in pool.hosts if host.live and host.enabled]
        index = {host.uuid: i for i, host in enumerate(hosts)}
        free = [host.memory_total_bytes - host.memory_overhead_bytes for host in hosts]
        for vm in pool.vms:
            for uuid in {vm.resident_on, vm.scheduled_to_be_resident_on}:
                if uuid in index:
                    free[index[uuid]] -= vm.memory_static_max_bytes + vm.memory_overhead_bytes
        others = [*_vcpus(pool, index, vcpus_per_core), *_places(pool, index)]
        guests = [_guest(pool, vm, index) for vm in pool.vms if _counts(vm)]
        return cls(
            hosts=tuple(index),
            free=tuple(max(0, room) for room in free),
            guests=tuple(
                replace(guest, takes=tuple(takes.get(guest.uuid, 0) for _, takes in others))
                for guest in guests
            ),
            cap=_cap(pool, len(hosts)),
            others=tuple(tuple(max(0, left) for left in there) for there, _ in others),
        )


def _vcpus(
    pool: Pool, index: dict[str, int], ratio: Fraction | None
) -> Iterator[tuple[list[int], dict[str, int]]]:
    if ratio is None:
        return
    left = [0] * len(index)
    for host in pool.hosts:
        if host.uuid in index:
            left[index[host.uuid]] = floor((host.cpus or 0) * ratio)
    for vm in pool.vms:
        for uuid in {vm.resident_on, vm.scheduled_to_be_resident_on}:
            if uuid in index:
                left[index[uuid]] -= vm.vcpus
    yield left, {vm.uuid: vm.vcpus for vm in pool.vms}


def _places(pool: Pool, index: dict[str, int]) -> Iterator[tuple[list[int], dict[str, int]]]:
    for group in pool.groups:
        if not group.enforced:
            continue
        members = [vm for vm in pool.vms if group.uuid in vm.groups]
        taken = {uuid for vm in members for uuid in (vm.resident_on, vm.scheduled_to_be_resident_on)}
        yield [int(uuid not in taken) for uuid in index], {vm.uuid: 1 for vm in members}


def _counts(vm: VM) -> bool:
    return vm.ha_restart_priority == "restart" and vm.ha_always_run and vm.power_state != "Suspended"


def _guest(pool: Pool, vm: VM, index: dict[str, int]) -> Guest:
    home = vm.resident_on if vm.resident_on is not None else vm.scheduled_to_be_resident_on
    running = vm.power_state != "Halted" and home in index
    allowed = sum(1 << i for uuid, i in index.items() if _could_start(pool, vm, uuid))
    size = vm.memory_static_max_bytes + vm.memory_overhead_bytes
    return Guest(vm.uuid, size, index[home] if running and home is not None else None, allowed)


def _could_start(pool: Pool, vm: VM, host: str) -> bool:
    restrictions = [vm.candidate_hosts]
    restrictions += [sr.hosts for sr in pool.srs if sr.uuid in (vm.srs or ())]
    restrictions += [network.hosts for network in pool.networks if network.uuid in (vm.networks or ())]
    return all(hosts is None or host in hosts for hosts in restrictions)


def _cap(pool: Pool, in_service: int) -> int:
    if pool.quorum != "majority":
        return in_service
    dead = sum(not host.live for host in pool.hosts)
    return min(in_service, max(0, (len(pool.hosts) - 1) // 2 - dead))


def simultaneous(pool: Pool, vcpus_per_core: Fraction | None = None) -> int:
    """Return the simultaneous tolerance of a pool: every set of hosts tried."""
    world = World.of(pool, vcpus_per_core)
    lost = next(_lost_sets(world), None)
    value = len(world.hosts) if lost is None else len(lost) - 1
    return min(value, world.cap)


def domain(pool: Pool, key: str, vcpus_per_core: Fraction | None = None) -> int:
    """Return how many failure domains of a key may be lost; a host without the key is one of its own."""
    world = World.of(pool, vcpus_per_core)
    named: dict[tuple[bool, str], list[int]] = {}
    for i, uuid in enumerate(world.hosts):
        value = next((dict(h.failure_domains).get(key) for h in pool.hosts if h.uuid == uuid), None)
        named.setdefault((value is None, uuid if value is None else value), []).append(i)
    for k in range(len(named) + 1):
        for lost in combinations(named.values(), k):
            if not survivable(world, chain.from_iterable(lost)):
                return k - 1
    return len(named)


def _lost_sets(world: World) -> Iterator[tuple[int, ...]]:
    for k in range(len(world.hosts) + 1):
        for failed in combinations(range(len(world.hosts)), k):
            if not survivable(world, failed):
                yield failed


def survivable(world: World, failed: Iterable[int]) -> bool:
    """Tell whether the loss of these hosts at once is survived."""
    mask = sum(1 << host for host in set(failed))
    if world.others:
        return _survivable_with_others(world, mask)
    items = [
        (guest.size, guest.allowed & ~mask)
        for guest in world.guests
        if guest.home is None or mask >> guest.home & 1
    ]
    return packable(world.free, items)


def _survivable_with_others(world: World, failed: int) -> bool:
    """Tell the same where hosts have more than memory: VM by VM, the biggest first, host by host."""
    guests = [guest for guest in world.guests if guest.home is None or failed >> guest.home & 1]
    guests.sort(key=lambda guest: (-guest.size, guest.takes, guest.allowed))

    @cache
    def fits(n: int, left: tuple[tuple[int, ...], ...]) -> bool:
        if n == len(guests):
            return True
        takes = (guests[n].size, *guests[n].takes)
        for host in range(len(world.hosts)):
            if (guests[n].allowed & ~failed) >> host & 1:
                after = tuple(
                    (*row[:host], row[host] - amount, *row[host + 1 :])
                    for row, amount in zip(left, takes, strict=True)
                )
                if all(row[host] >= 0 for row in after) and fits(n + 1, after):
                    return True
        return False

    return fits(0, (world.free, *world.others))


def packable(rooms: Sequence[int], items: Iterable[Item]) -> bool:
    """Tell whether all items fit: depth first, the biggest first, equal situations visited once."""
    return _packable(tuple(rooms), tuple(sorted(items, key=lambda item: (-item[0], item[1]))))


@lru_cache(maxsize=100_000)
def _packable(rooms: tuple[int, ...], items: tuple[Item, ...]) -> bool:
    if not items:
        return True
    if sum(size for size, _ in items) > sum(rooms):
        return False
    (size, allowed), rest = items[0], items[1:]
    everywhere = all(mask == allowed for _, mask in rest)
    tried: set[int] = set()
    for bin_, room in enumerate(rooms):
        if room < size or not allowed >> bin_ & 1 or (everywhere and room in tried):
            continue
        tried.add(room)
        if _packable((*rooms[:bin_], room - size, *rooms[bin_ + 1 :]), rest):
            return True
    return False


def sequential(pool: Pool, vcpus_per_core: Fraction | None = None) -> int:
    """Return the sequential tolerance (TOLERANCE §6): every failure order against every restart."""
    world = World.of(pool, vcpus_per_core)

    def placements(alive: int, left: Left, home: Home) -> Iterator[tuple[Left, Home]]:
        if None not in home:
            yield left, home
            return
        vm = home.index(None)
        takes = (world.guests[vm].size, *world.guests[vm].takes)
        for host in range(len(world.hosts)):
            if (alive & world.guests[vm].allowed) >> host & 1 and all(
                row[host] >= amount for row, amount in zip(left, takes, strict=True)
            ):
                after = tuple(
                    (*row[:host], row[host] - amount, *row[host + 1 :])
                    for row, amount in zip(left, takes, strict=True)
                )
                yield from placements(alive, after, (*home[:vm], host, *home[vm + 1 :]))

    @cache
    def holds(k: int, alive: int, left: Left, home: Home) -> bool:
        if k == 0:
            return True
        for host in range(len(world.hosts)):
            if alive >> host & 1:
                others, orphans = alive & ~(1 << host), tuple(None if at == host else at for at in home)
                if not any(holds(k - 1, others, *after) for after in placements(others, left, orphans)):
                    return False
        return True

    alive = (1 << len(world.hosts)) - 1
    start = (alive, (world.free, *world.others), tuple(guest.home for guest in world.guests))
    value = -1
    for k in range(world.cap + 1):
        if not any(holds(k, alive, *after) for after in placements(*start)):
            break
        value = k
    return value


def trappable(world: World, failures: int) -> bool:
    """Tell whether restarts made anyhow can get stuck within so many failures one after the other.

    An adversary chooses who fails, who of those that wait starts next, and where: anywhere it fits.
    """

    @cache
    def stuck(alive: int, left: Left, home: Home, failures: int) -> bool:
        waiting = [vm for vm, at in enumerate(home) if at is None]
        for vm in waiting:
            takes = (world.guests[vm].size, *world.guests[vm].takes)
            nowhere = True
            for host in range(len(world.hosts)):
                after = tuple(
                    (*row[:host], row[host] - amount, *row[host + 1 :])
                    for row, amount in zip(left, takes, strict=True)
                )
                fits = all(row[host] >= amount for row, amount in zip(left, takes, strict=True))
                if fits and (alive & world.guests[vm].allowed) >> host & 1:
                    nowhere = False
                    if stuck(alive, after, (*home[:vm], host, *home[vm + 1 :]), failures):
                        return True
            if nowhere:
                return True
        if waiting or not failures:
            return False
        return any(
            stuck(alive & ~(1 << host), left, tuple(None if at == host else at for at in home), failures - 1)
            for host in range(len(world.hosts))
            if alive >> host & 1
        )

    alive = (1 << len(world.hosts)) - 1
    home = tuple(guest.home for guest in world.guests)
    return stuck(alive, (world.free, *world.others), home, failures)


def doomed(pool: Pool, fears: Fears) -> bool:
    """Tell whether each placement of the VMs that are down leaves one of `fears` deadly.

    A host is deadly if it cannot be lost, or if, however its VMs are placed, one of its own fears is deadly.
    No fears: deadly if those who wait have no place at all.
    """
    world = World.of(pool)
    index = {uuid: i for i, uuid in enumerate(world.hosts)}

    def trapped(alive: int, free: tuple[int, ...], home: tuple[int | None, ...], fears: Fears) -> bool:
        if None in home:
            vm = home.index(None)
            guest = world.guests[vm]
            return all(
                trapped(
                    alive,
                    (*free[:host], room - guest.size, *free[host + 1 :]),
                    (*home[:vm], host, *home[vm + 1 :]),
                    fears,
                )
                for host, room in enumerate(free)
                if room >= guest.size and (alive & guest.allowed) >> host & 1
            )
        return any(
            trapped(
                alive & ~(1 << index[uuid]),
                free,
                tuple(None if at == index[uuid] else at for at in home),
                then,
            )
            for uuid, then in fears.items()
        )

    start = tuple(guest.home for guest in world.guests)
    return trapped((1 << len(world.hosts)) - 1, world.free, start, fears)


def certainly_unpackable(rooms: Sequence[int], sizes: Iterable[int]) -> bool:
    """Tell whether items that may go anywhere provably do not fit, by volume at every threshold.

    Items above a threshold can fill a bin only to the largest sum of their sizes that it holds. True is a
    proof; False says nothing.
    """
    items = sorted(sizes, reverse=True)
    unit = gcd(*items) or 1
    items = [size // unit for size in items]
    rooms = [room // unit for room in rooms]
    for threshold in sorted(set(items), reverse=True):
        big = [size for size in items if size >= threshold]
        if sum(big) > sum(_fullest(room, frozenset(big)) for room in rooms):
            return True
        if len(big) > sum(room // threshold for room in rooms):
            return True
    return False


@lru_cache(maxsize=100_000)
def _fullest(room: int, sizes: frozenset[int]) -> int:
    """Return the largest sum ≤ room of any number of each size; room itself where that takes too long."""
    if room > 1_000_000:
        return room
    sums = 1
    for size in sizes:
        step = size
        while step <= room:
            sums |= sums << step
            step *= 2
        sums &= (2 << room) - 1
    return sums.bit_length() - 1
