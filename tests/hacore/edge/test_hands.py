"""Effects carried out: in order, pings stopped before a fence, an unusable watchdog told once."""

from __future__ import annotations

from dataclasses import dataclass, field

from hacore.core.effects import CloseWatchdog, Fence, Lease, Note, OpenWatchdog, Publish, Say, Stop
from hacore.core.timing import timing
from hacore.core.words import Hosts, one
from hacore.edge.hands import Hands
from hacore.errors import DeviceUnreachable
from hacore.records import EMPTY_BLOCK, Cause, Decision, FenceCause, PacketBody, SlotBody, State

BODY = SlotBody(
    1, State.MEMBER, True, Decision(1, 1, (1,), 0, Cause.FORMED), EMPTY_BLOCK, 1, True, True, 0, 1, -1,
    0, 0, 0, FenceCause.NONE,
)  # fmt: skip
WORD = PacketBody(1, State.MEMBER, 1, 1, True, True, 0, 1, 0, 0, 0)
DOG = 77
NAMES = ("one", "two", "three")


@dataclass
class World:
    """Pump, watchdog and journal in one; everything done is one line."""

    done: list[str] = field(default_factory=list)
    openable: bool = True
    driver: str = "lab"
    descriptor: int = -1

    # the pump
    def publish(self, version: int, _body: SlotBody, at_once: bool) -> None:
        self.done.append(f"publish {version} {at_once}")

    def say(self, _body: PacketBody, at_once: bool) -> None:
        self.done.append(f"say {at_once}")

    def lease(self, disk: bool, granted_ns: int) -> None:
        self.done.append(f"lease {disk} {granted_ns}")

    def watch(self, descriptor: int | None) -> None:
        self.done.append(f"watch {descriptor}")

    def check_in(self) -> None:
        self.done.append("check in")

    # the watchdog
    def open(self, *, resumed: bool = False) -> int:
        self.done.append("open again" if resumed else "open")
        if not self.openable:
            raise DeviceUnreachable("/dev/watchdog", "cannot be opened: Device or resource busy")
        return DOG

    def adopt(self, descriptor: int) -> None:
        self.done.append(f"adopt {descriptor}")

    def close(self) -> None:
        self.done.append("close")

    def fence(self) -> None:
        self.done.append("fence")

    # the journal
    def note(self, word: str, /, **values: object) -> None:
        self.done.append(" ".join((word, *(f"{key}={value}" for key, value in values.items()))))

    def flush(self, _seconds: float) -> bool:
        self.done.append("flush")
        return False


def hands(world: World, since_ns: int = 0) -> Hands:
    return Hands(world, world, world, timing(10 * 10**9, 10**9), NAMES.__getitem__, since_ns)  # type: ignore[arg-type]


def test_effects_are_carried_out_in_order() -> None:
    world = World()
    made = hands(world)
    made.carry_out(
        (
            Publish(3, BODY, True),
            Say(WORD, False),
            Lease(True, 5),
            Note("state", (("state", "member"),)),
            OpenWatchdog(),
            Stop("left"),
        )
    )
    assert world.done == [
        "publish 3 True",
        "say False",
        "lease True 5",
        "state state=member",
        "open",
        f"watch {DOG}",
    ]
    assert (made.stopped, made.version, made.armed) == ("left", 3, True)


def test_the_journal_calls_hosts_by_their_names() -> None:
    world = World()
    hands(world).carry_out((Note("epoch", (("epoch", 3), ("liveset", Hosts(0b101)), ("leader", one(2)))),))
    assert world.done == ["epoch epoch=3 liveset=one,three leader=three"]


def test_a_fence_stops_the_pings_first_and_the_journal_second() -> None:
    world = World()
    made = hands(world)
    made.carry_out((Fence(FenceCause.LEFT_OUT),))
    assert world.done == ["watch None", "fence cause=left_out watchdog=lab", "flush", "fence"]
    assert made.fenced is FenceCause.LEFT_OUT


def test_nobody_pings_a_watchdog_that_is_being_closed() -> None:
    world = World()
    made = hands(world)
    made.carry_out((OpenWatchdog(), CloseWatchdog()))
    assert world.done[-2:] == ["watch None", "close"]
    assert not made.armed


def test_a_watchdog_that_cannot_be_opened_is_told_once() -> None:
    world = World(openable=False)
    made = hands(world)
    made.carry_out((OpenWatchdog(),))
    assert not made.armed
    assert "busy" in made.unusable
    assert made.take_failure()
    assert not made.take_failure()
    assert not any(line.startswith("watch ") for line in world.done)
    world.openable = True
    made.carry_out((OpenWatchdog(),))
    assert (made.unusable, made.armed) == ("", True)


def test_one_that_others_know_as_armed_reboots_where_its_watchdog_cannot_be_had_again() -> None:
    world = World(openable=False)
    made = hands(world)
    made.carry_out((OpenWatchdog(resumed=True),))
    assert world.done[0] == "open again"
    assert [line.split()[0] for line in world.done[1:]] == [
        "watchdog_unusable", "watch", "fence", "flush", "fence",
    ]  # fmt: skip
    assert made.fenced
    assert made.take_failure()


def test_what_a_predecessor_had_armed_is_pinged_at_once() -> None:
    world = World()
    made = hands(world, since_ns=42)
    made.adopt(9)
    assert world.done == ["adopt 9", "lease False 42", "check in", "watch 9"]
    made.carry_out((Lease(True, 0), Lease(False, 50)))
    assert world.done[-2:] == ["lease True 42", "lease False 50"]
