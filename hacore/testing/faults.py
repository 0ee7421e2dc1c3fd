"""What can go wrong in a world, kind by kind: how each begins, and how it ends. Draws nothing itself.

A kind acts on `fault.hosts`, links lead from `fault.hosts` to `fault.others` (and back, unless one-way).
Kinds that last no time have no end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hacore.core.events import Arm, Disarm, EmergencyDisable, Event, Join, Leave, ProposeLeader, SetWeight
from hacore.core.timing import NS
from hacore.kernel._pump import COPIES
from hacore.testing.host import Host, Ill
from hacore.testing.network import ALL_NETWORKS, Air, Rule, bits
from hacore.testing.plan import Fault
from hacore.testing.port import Once, Trouble
from hacore.testing.world import WORLD, World

Act = Callable[[World, Fault], None]
LOSES_ALL = 1.0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault; `says` describes it to who reads a story or writes a scenario."""

    says: str
    begin: Act
    end: Act | None = None
    ill: Ill | None = None  # what is wrong meanwhile with `fault.hosts` and `fault.others`


def schedule(world: World, fault: Fault) -> None:
    """Let a fault begin and end at its times."""
    kind = KINDS[fault.kind]
    world.at(fault.at_ns, _begin, world, kind, fault)
    if kind.end is not None and fault.until_ns > fault.at_ns:
        world.at(fault.until_ns, _end, world, kind, fault)


def _begin(world: World, kind: Kind, fault: Fault) -> None:
    world.tell(WORLD, f"{fault.kind} {_who(fault)}: {kind.says}")
    if kind.ill is not None:
        for index in bits(fault.hosts | fault.others):
            world.hosts[index].fall_ill(kind.ill, fault.kind, fault.network)
            if kind.end is None:
                world.hosts[index].recover(kind.ill, fault.kind, fault.network)
    kind.begin(world, fault)


def _end(world: World, kind: Kind, fault: Fault) -> None:
    world.tell(WORLD, f"{fault.kind} {_who(fault)}: is over")
    assert kind.end is not None
    kind.end(world, fault)
    if kind.ill is not None:
        for index in bits(fault.hosts | fault.others):
            world.hosts[index].recover(kind.ill, fault.kind, fault.network)


def _who(fault: Fault) -> str:
    hosts = ",".join(map(str, bits(fault.hosts)))
    there = f"→{','.join(map(str, bits(fault.others)))}" if fault.others else ""
    return f"{hosts}{there}" if fault.network == ALL_NETWORKS else f"{hosts}{there} network {fault.network}"


def _each(world: World, fault: Fault) -> list[Host]:
    return [world.hosts[index] for index in bits(fault.hosts)]


# --- hosts and daemons -------------------------------------------------------------------------


def _crash(world: World, fault: Fault) -> None:
    for host in _each(world, fault):
        host.reset("power lost", None)


def _boot(world: World, fault: Fault) -> None:
    for host in _each(world, fault):
        host.boot()


def _kill(world: World, fault: Fault) -> None:
    for host in _each(world, fault):
        host.kill_daemon()


def _restart(world: World, fault: Fault) -> None:
    for host in _each(world, fault):
        host.start_daemon()


def _upgrade(world: World, fault: Fault) -> None:
    for host in _each(world, fault):
        host.upgrade_daemon()


def _set_wall(world: World, fault: Fault) -> None:
    for host in _each(world, fault):
        host.wall_set_ns += int(fault.value * NS)


def _stop(brain_only: bool) -> Act:
    def begin(world: World, fault: Fault) -> None:
        for host in _each(world, fault):
            if host.daemon is not None:
                host.daemon.stop(brain_only)

    return begin


def _go_on(world: World, fault: Fault) -> None:
    for host in _each(world, fault):
        if host.daemon is not None and not host.asleep:
            host.daemon.go_on()


def _suspend(world: World, fault: Fault) -> None:
    for host in _each(world, fault):
        host.suspend()


def _wake(world: World, fault: Fault) -> None:
    for host in _each(world, fault):
        host.wake()


def _order(event: Callable[[Fault], Event]) -> Act:
    def begin(world: World, fault: Fault) -> None:
        for host in _each(world, fault):
            if host.daemon is not None:
                host.daemon.order(event(fault))

    return begin


def _back_in(world: World, fault: Fault) -> None:
    for host in _each(world, fault):
        host.start_daemon()
        if host.daemon is not None:
            host.daemon.order(Join())


# --- links -------------------------------------------------------------------------------------


def _rules(fault: Fault, *, both_ways: bool) -> list[Rule]:
    loss = fault.value or LOSES_ALL
    there = Rule(fault.hosts, fault.others, loss, network=fault.network)
    return [there, replace(there, senders=fault.others, receivers=fault.hosts)] if both_ways else [there]


def _link(rules: Callable[[World, Fault], list[Rule]]) -> tuple[Act, Act]:
    def begin(world: World, fault: Fault) -> None:
        for rule in rules(world, fault):
            world.air.add(rule)

    def end(world: World, fault: Fault) -> None:
        for rule in rules(world, fault):
            world.air.remove(rule)

    return begin, end


def _untouched(fault: Fault) -> Rule:
    """Return a rule that loses nothing: it only makes receivers look at each packet."""
    return Rule(fault.hosts, fault.others, 0, network=fault.network)


def _late(fault: Fault) -> list[Rule]:
    return [replace(_untouched(fault), late_ns=int(fault.value * NS), twice=0.2)]


def _behind(fault: Fault) -> list[Rule]:
    return [replace(_untouched(fault), behind_ns=int(fault.value * NS))]


def _garbled(fault: Fault) -> list[Rule]:
    return [replace(_untouched(fault), garbled=fault.value or LOSES_ALL)]


def _unplugged(world: World, fault: Fault) -> list[Rule]:
    everybody = (1 << world.plan.hosts) - 1
    there = Rule(fault.hosts, everybody, network=fault.network)
    return [there, replace(there, senders=everybody, receivers=fault.hosts)]


def _evidence(change: int, *, carrier: bool) -> Act:
    """See evidence go (1) or come back (-1), a little later than the fault itself."""

    def act(world: World, fault: Fault) -> None:
        everywhere = range(world.plan.networks)
        for host in _each(world, fault):
            for network in everywhere if fault.network == ALL_NETWORKS else (fault.network,):
                host.arbiters_lost[network] += change
                host.carriers_lost[network] += change * carrier
            world.at(world.now_ns + int(world.rng.random() * NS), host.look_at_links)

    return act


def _throwing(throw: Callable[[Air, int, int], None]) -> tuple[Act, Act]:
    """Let somebody who is no host throw in packets now and then, as if `hosts` sent them to `others`."""

    def begin(world: World, fault: Fault) -> None:
        world.air.add(_untouched(fault))
        world.air.tape(fault.hosts)
        again(world, fault)

    def again(world: World, fault: Fault) -> None:
        for sender in bits(fault.hosts):
            for receiver in bits(fault.others & ~(1 << sender)):
                throw(world.air, sender, receiver)
        soon_ns = world.now_ns + int(world.rng.random() * world.timing.beat_ns)
        if soon_ns < fault.until_ns:
            world.at(soon_ns, again, world, fault)

    def end(world: World, fault: Fault) -> None:
        world.air.remove(_untouched(fault))

    return begin, end


def _move(world: World, fault: Fault) -> None:
    """Several that move at once do not find each other: only that is an illness of links."""
    world.air.move(fault.hosts)
    if world.air.moved & world.air.moved - 1:
        for index in bits(world.air.moved):
            world.hosts[index].fall_ill(Ill.LINKS, fault.kind)


def _found(world: World, fault: Fault) -> None:
    world.air.settle(fault.hosts)
    for host in _each(world, fault):
        host.recover(Ill.LINKS, fault.kind)


def _both(first: Act, second: Act) -> Act:
    def act(world: World, fault: Fault) -> None:
        first(world, fault)
        second(world, fault)

    return act


# --- storage -----------------------------------------------------------------------------------


def _trouble(*troubles: Trouble) -> tuple[Act, Act]:
    def begin(world: World, fault: Fault) -> None:
        for host in _each(world, fault):
            for trouble in troubles:
                host.port.begin(trouble)

    def end(world: World, fault: Fault) -> None:
        for host in _each(world, fault):
            for trouble in troubles:
                for answer in host.port.end(trouble):
                    answer()

    return begin, end


def _once(once: Once) -> Act:
    def begin(world: World, fault: Fault) -> None:
        for host in _each(world, fault):
            host.port.once.append(once)

    return begin


def _rot(world: World, fault: Fault) -> None:
    """Spoil the newest copies of a slot, `value` of them, or any one."""
    for index in bits(fault.hosts):
        newest = world.disk.newest_copy(index)
        if not fault.value or newest is None:
            world.disk.land(world.now_ns, index, world.rng.randrange(COPIES), None)
            continue
        for back in range(int(fault.value)):
            world.disk.land(world.now_ns, index, (newest.copy - back) % COPIES, None)


_UNPLUG, _PLUG = _link(_unplugged)
_CUT, _MEND = _link(lambda _, fault: _rules(fault, both_ways=True))
_CUT_ONE, _MEND_ONE = _link(lambda _, fault: _rules(fault, both_ways=False))
_DELAY, _HURRY = _link(lambda _, fault: _late(fault))
_LAG, _CATCH_UP = _link(lambda _, fault: _behind(fault))
_GARBLE, _CLEAR = _link(lambda _, fault: _garbled(fault))

KINDS: dict[str, Kind] = {
    "crash": Kind("power is lost; boots at the end", _crash, _boot, ill=Ill.DAEMON),
    "kill": Kind(
        "the daemon is killed, the watchdog stays armed; started again at the end",
        _kill,
        _restart,
        ill=Ill.DAEMON,
    ),
    "upgrade": Kind("the daemon hands over to its successor", _upgrade, ill=Ill.DAEMON),
    "stop": Kind("all threads of the daemon stand still", _stop(False), _go_on, ill=Ill.DAEMON),
    "suspend": Kind(
        "the machine stands still, and its watchdog with it; it wakes up at the end",
        _suspend,
        _wake,
        ill=Ill.DAEMON,
    ),
    "brain": Kind("the brain stands still, the pump does not", _stop(True), _go_on, ill=Ill.DAEMON),
    "wall": Kind("the wall clock is set forward by value seconds (back: value < 0)", _set_wall),
    "cable": Kind(
        "the cable is pulled: no carrier, no link, no arbiter",
        _both(_UNPLUG, _evidence(1, carrier=True)),
        _both(_PLUG, _evidence(-1, carrier=True)),
        ill=Ill.LINKS,
    ),
    "isolate": Kind(
        "cut off behind its switch: carrier, but nobody is reached, no arbiter either",
        _both(_UNPLUG, _evidence(1, carrier=False)),
        _both(_PLUG, _evidence(-1, carrier=False)),
        ill=Ill.LINKS,
    ),
    "link": Kind(
        "links are cut both ways (value < 1: that share of packets is lost)", _CUT, _MEND, ill=Ill.LINKS
    ),
    "oneway": Kind(
        "links are cut one way (value < 1: that share of packets is lost)", _CUT_ONE, _MEND_ONE, ill=Ill.LINKS
    ),
    "late": Kind(
        "packets are late by up to value seconds, overtake each other, come twice",
        _DELAY,
        _HURRY,
        ill=Ill.LINKS,
    ),
    "behind": Kind("packets wait value seconds on their way, all of them", _LAG, _CATCH_UP, ill=Ill.LINKS),
    "garbled": Kind(
        "packets arrive with a wrong bit, or cut short (value < 1: that share of them)",
        _GARBLE,
        _CLEAR,
        ill=Ill.LINKS,
    ),
    "forged": Kind(
        "a stranger without the key sends packets in their name, full of grants", *_throwing(Air.forge)
    ),
    "replayed": Kind("somebody records their packets and sends them again", *_throwing(Air.replay)),
    "address": Kind("their addresses change; daemons that start know them at the end", _move, _found),
    "arbiter": Kind(
        "no arbiter answers", _evidence(1, carrier=False), _evidence(-1, carrier=False), ill=Ill.LINKS
    ),
    "storage": Kind("the path is cut: reads and writes fail", *_trouble(Trouble.CUT), ill=Ill.STORAGE),
    "flaky": Kind(
        "reads fail, writes fail or seem to: some land, even much later",
        *_trouble(Trouble.WRITE_ERROR, Trouble.READ_ERROR),
        ill=Ill.STORAGE,
    ),
    "write": Kind(
        "writes fail, or seem to: some land, even much later", *_trouble(Trouble.WRITE_ERROR), ill=Ill.STORAGE
    ),
    "read": Kind("reads fail", *_trouble(Trouble.READ_ERROR), ill=Ill.STORAGE),
    "hang": Kind("no I/O is answered until the end", *_trouble(Trouble.HANG), ill=Ill.STORAGE),
    "slow": Kind("each I/O takes up to 0.4 T", *_trouble(Trouble.SLOW), ill=Ill.STORAGE),
    "tardy": Kind("each I/O takes up to 0.03 T", *_trouble(Trouble.TARDY), ill=Ill.STORAGE),
    "stuck": Kind("no read is answered until the end", *_trouble(Trouble.READ_HANG), ill=Ill.STORAGE),
    "ghosts": Kind(
        "writes fail, and land a good half of T later", *_trouble(Trouble.GHOSTS), ill=Ill.STORAGE
    ),
    "readonly": Kind("writes fail, and none lands", *_trouble(Trouble.READ_ONLY), ill=Ill.STORAGE),
    "torn": Kind("the next write leaves rubbish", _once(Once.TORN), ill=Ill.STORAGE),
    "misdirected": Kind("the next write lands elsewhere", _once(Once.MISDIRECTED), ill=Ill.STORAGE),
    "lost": Kind("the next write lands nowhere, and claims to have", _once(Once.LOST), ill=Ill.STORAGE),
    "rot": Kind("a copy in the slot turns to rubbish (value: so many, the newest)", _rot, ill=Ill.STORAGE),
    "leave": Kind("is told to leave; to join again at the end", _order(lambda _: Leave()), _back_in),
    "disarm": Kind(
        "is told to disarm; to arm at the end", _order(lambda _: Disarm()), _order(lambda _: Arm())
    ),
    "emergency": Kind("is told to disable HA at once", _order(lambda _: EmergencyDisable()), _back_in),
    "force": Kind("is told to form a liveset without the missing", _order(lambda _: Join(force=True))),
    "weight": Kind("is given weight value", _order(lambda fault: SetWeight(int(fault.value)))),
    "lead": Kind("asks for host value as leader", _order(lambda fault: ProposeLeader(int(fault.value)))),
}
