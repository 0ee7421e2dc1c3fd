"""The loop around a machine: what a bug costs, who checks in, when a successor takes over."""

from __future__ import annotations

import os
import selectors
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from hacore.core.effects import Effect, Fence, Lease, OpenWatchdog, Stop
from hacore.core.events import Disarm, DiskCycle, Event, Heard, Leave, Tick
from hacore.core.timing import timing
from hacore.core.words import NOT_WAITING
from hacore.edge.channels import Channels
from hacore.edge.daemon import Daemon
from hacore.edge.hands import Hands
from hacore.errors import DeviceUnreachable, StatefileError
from hacore.records import FenceCause, State

TIMING = timing(10 * 10**9, 10**9)


class Hand:
    def __init__(self) -> None:
        self.now_ns = 10**12

    def monotonic_ns(self) -> int:
        self.now_ns += 10**9
        return self.now_ns

    def wall_seconds(self) -> float:
        return 0.0


@dataclass
class Brain:
    """A machine that does as it is told."""

    answers: dict[type, list[Any]] = field(default_factory=dict)
    told: list[Event] = field(default_factory=list)
    state: State = State.MEMBER
    disarming: bool = False

    def handle(self, event: Event, _now_ns: int) -> tuple[Effect, ...]:
        self.told.append(event)
        planned = self.answers.get(type(event))
        answer = planned.pop(0) if planned else ()
        if isinstance(answer, Exception):
            raise answer
        return tuple(answer)

    def view(self) -> Any:
        return SimpleNamespace(
            storage=False, waiting=NOT_WAITING, state=self.state, armed=True, disarming=self.disarming
        )


class Pump:
    def __init__(self) -> None:
        self.news = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.check_ins = 0
        self.watched: list[int | None] = []
        self.devices: list[int] = []
        self.cycles: list[DiskCycle] = []

    def fileno(self) -> int:
        return self.news

    def check_in(self) -> None:
        self.check_ins += 1

    def watch(self, descriptor: int | None) -> None:
        self.watched.append(descriptor)

    def cycle(self) -> DiskCycle | None:
        return self.cycles.pop(0) if self.cycles else None

    def heard(self) -> Heard:
        return Heard((0,), (None,), (0,), 0)

    def meters(self) -> Any:
        return SimpleNamespace(networks=(), disk=SimpleNamespace(running_ns=0))

    def lease(self, _disk: bool, _granted_ns: int) -> None: ...

    def set_device(self, device: int) -> None:
        self.devices.append(device)


class Dog:
    driver = "lab"

    def __init__(self) -> None:
        self.fences = 0
        self.openable = True

    def open(self, *, resumed: bool = False) -> int:
        del resumed
        if not self.openable:
            raise DeviceUnreachable("dog", "busy")
        return 9

    def fence(self) -> None:
        self.fences += 1


class Lines:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, word: str, /, **values: object) -> None:
        self.lines.append(" ".join((word, *(f"{key}={value}" for key, value in values.items()))))

    def flush(self, _seconds: float) -> bool:
        return True


@dataclass
class Made:
    daemon: Daemon
    brain: Brain
    pump: Pump
    dog: Dog
    journal: Lines
    opener: Any


@pytest.fixture
def made() -> Iterator[Any]:
    selector = selectors.DefaultSelector()
    opened: list[int] = []

    def make(answers: dict[type, list[Any]], *, bug_ns: int = 0) -> Made:
        brain, pump, dog, journal = Brain(answers), Pump(), Dog(), Lines()
        opened.append(pump.news)
        opener = SimpleNamespace(wanted=0)
        opener.want = lambda: setattr(opener, "wanted", opener.wanted + 1)
        parts: Any = SimpleNamespace(
            config=SimpleNamespace(networks=(), hosts=(1,), host=0, timing=TIMING, name_of=str),
            clock=Hand(),
            selector=selector,
            journal=journal,
            machine=brain,
            pump=pump,
            hands=Hands(pump, dog, journal, TIMING, str),  # type: ignore[arg-type]
            networks=SimpleNamespace(problems=[], renew=lambda _use: None),
            evidence=SimpleNamespace(look=Tick, arbiters=SimpleNamespace(problem="")),
            channels=Channels(1, 0, TIMING.beat_ns),
            opener=opener,
            device=None,
            bug_ns=bug_ns,
        )
        return Made(Daemon(parts), brain, pump, dog, journal, opener)

    yield make
    selector.close()
    for each in opened:
        os.close(each)


def test_the_loop_ends_when_the_machine_stops(made: Any) -> None:
    found = made({Tick: [(), (), (), (Stop("left"),)]})
    found.daemon.run()
    assert found.pump.check_ins >= 2
    assert not found.daemon.broken


def test_nothing_is_told_to_a_machine_that_has_stopped(made: Any) -> None:
    found = made({Leave: [(Stop("left"),)]})
    found.daemon.on_signal(15)
    found.daemon.tell(Tick())
    assert found.brain.told == [Leave()]
    assert "signal name=SIGTERM waiting=" in found.journal.lines


def test_a_bug_of_an_unarmed_brain_ends_the_daemon(made: Any) -> None:
    found = made({Tick: [ZeroDivisionError("no")]})
    found.daemon.run()
    assert found.daemon.broken
    assert found.dog.fences == 0
    assert any(line.startswith("bug error=ZeroDivisionError: no at=handle:") for line in found.journal.lines)


def test_the_first_bug_of_an_armed_brain_costs_a_restart(made: Any) -> None:
    found = made({Tick: [(Lease(True, 0), OpenWatchdog()), ZeroDivisionError()]})
    found.daemon.run()
    assert found.daemon.handing_over
    assert found.daemon.bug_ns > 0
    assert found.dog.fences == 0
    assert found.pump.watched == [9]


def test_a_second_bug_soon_after_costs_the_host(made: Any) -> None:
    found = made({Tick: [(OpenWatchdog(),), ZeroDivisionError()]}, bug_ns=10**12)
    found.daemon.tell(Tick())
    found.daemon.tell(Tick())
    assert found.dog.fences == 1
    assert found.pump.watched == [9, None]
    assert found.daemon.parts.hands.fenced is FenceCause.BRAIN
    assert not found.daemon.handing_over
    before = found.pump.check_ins
    found.daemon._turn()
    assert found.pump.check_ins == before


def cycle(version: int) -> DiskCycle:
    return DiskCycle(version, 1, True, 1, 2, True, (1,), (None,), 0, 0, 0, False)


def test_a_handover_waits_until_nothing_is_on_its_way_to_the_disk(made: Any) -> None:
    found = made({})
    found.daemon.parts.hands.version = 7
    found.daemon.hand_over_soon()
    for news, handing_over in (([], False), ([cycle(6)], False), ([cycle(7)], True)):
        found.pump.cycles += news
        found.daemon._pump_news()
        assert found.daemon.handing_over is handing_over


def test_a_cycle_alone_hands_nothing_over(made: Any) -> None:
    found = made({})
    found.pump.cycles.append(cycle(0))
    found.daemon._pump_news()
    assert not found.daemon.handing_over


@pytest.mark.parametrize("answer", [Fence(FenceCause.LEFT_OUT), Stop("left")])
def test_nobody_is_replaced_who_has_just_come_to_his_end(made: Any, answer: Effect) -> None:
    found = made({DiskCycle: [(answer,)]})
    found.daemon.hand_over_soon()
    found.pump.cycles.append(cycle(0))
    found.daemon._pump_news()
    assert not found.daemon.handing_over


def test_nobody_is_replaced_who_is_about_to_fence(made: Any) -> None:
    found = made({})
    found.brain.state = State.FENCING
    found.daemon.hand_over_soon()
    found.pump.cycles.append(cycle(0))
    found.daemon._pump_news()
    assert not found.daemon.handing_over


def test_nobody_is_replaced_between_saying_disarmed_and_being_it(made: Any) -> None:
    """The successor would take over an open watchdog that it neither pings nor closes."""
    found = made({})
    found.daemon.hand_over_soon()
    for disarming in (True, False):
        found.brain.disarming = disarming
        found.pump.cycles.append(cycle(0))
        found.daemon._pump_news()
        assert found.daemon.handing_over is not disarming


def test_a_handover_is_put_off_where_the_disk_does_not_answer(made: Any) -> None:
    found = made({})
    found.daemon.hand_over_soon()
    for _ in range(5):  # seconds; a quarter of T are 2.5
        found.daemon._keep_house()
    assert found.journal.lines == ["handover_put_off reason=the storage does not answer"]
    found.pump.cycles.append(cycle(0))
    found.daemon._pump_news()
    assert not found.daemon.handing_over


def test_a_bug_aside_of_the_protocol_costs_nothing_and_is_noted_once(made: Any) -> None:
    found = made({Tick: [()] * 8 + [(Stop("enough"),)]})

    def broken(_use: object) -> None:
        raise KeyError("x")

    found.daemon.parts.networks.renew = broken
    found.daemon.run()
    assert not found.daemon.broken
    assert [line.split()[0] for line in found.journal.lines].count("bug") == 1


def test_a_watchdog_that_cannot_be_opened_disarms(made: Any) -> None:
    found = made({Tick: [(OpenWatchdog(),)]})
    found.dog.openable = False
    found.daemon.tell(Tick())
    assert found.brain.told == [Tick(), Disarm()]
    assert found.daemon.problems() == {"watchdog": "dog: busy"}


def test_a_statefile_that_comes_late_is_given_to_the_pump(made: Any) -> None:
    found = made({})
    found.daemon._statefile(DeviceUnreachable("/dev/x", "heartbeat disk not accessible: gone"))
    assert found.daemon.problems() == {"statefile": "/dev/x: heartbeat disk not accessible: gone"}
    closed: list[int] = []
    first: Any = SimpleNamespace(fileno=lambda: 5, close=lambda: closed.append(5))
    found.daemon._statefile(first)
    found.daemon._statefile(SimpleNamespace(fileno=lambda: 6))
    assert found.pump.devices == [5, 6]
    assert closed == [5]
    assert found.daemon.problems() == {}


def test_a_foreign_statefile_at_the_start_ends_the_daemon(made: Any) -> None:
    found = made({})
    found.daemon._statefile(StatefileError("/dev/x", "is of generation y"))
    with pytest.raises(StatefileError):
        found.daemon.run()


def test_problems_are_noted_when_they_come_and_when_they_go(made: Any) -> None:
    found = made({})
    found.daemon.parts.evidence.arbiters.problem = "no rights"
    found.daemon._say_problems()
    found.daemon._say_problems()
    found.daemon.parts.evidence.arbiters.problem = ""
    found.daemon._say_problems()
    assert found.journal.lines == [
        "problem about=arbiters problem=no rights",
        "problem_gone about=arbiters problem=no rights",
    ]
