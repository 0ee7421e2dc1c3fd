"""A small pool, answers about it, and fakes at the service's doors."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from exporter.daemons.state import DaemonState, looked
from exporter.listening import bind, url_of
from exporter.questions import (
    Answer,
    DrainQuestion,
    ExplainQuestion,
    HeadroomQuestion,
    PlanQuestion,
    Question,
    RepairQuestion,
    RollingQuestion,
    ToleranceQuestion,
    WhatIfQuestion,
)
from exporter.state import Figures, HostLoss, PoolState, planned, planning, seen
from hacore.clock import NS_PER_SECOND
from hacore.core.timing import timing
from hacore.status import (
    NOTHING_MEASURED,
    Channel,
    Evidence,
    Fences,
    Peer,
    Status,
    Storage,
    Watchdog,
    encode,
    intervals_of,
)
from hacore.status import (
    Host as DaemonHost,
)
from hacore.status import (
    Network as DaemonNetwork,
)
from planner.constraints.rules import NO_RULES, Rules
from planner.explain.answer import explain
from planner.inventory.snapshot import Snapshot
from planner.model import SR, VM, Host, Pool
from planner.repair.result import Repair
from planner.results import (
    Bounds,
    Drain,
    Headroom,
    Move,
    Plan,
    Reject,
    SolverUse,
    Span,
    Tolerance,
    WhatIf,
    Witness,
    XapiFigures,
)
from planner.rolling import rolling
from planner.schedule.pace import USUAL_PACE, Pace
from planner.schedule.prediction import RecoveryTime

GIB = 2**30
ENOUGH_SECONDS = 60.0
"""Nothing a test waits for takes as long; a wait that ends here is a failure."""


@dataclass
class HandClock:
    """A clock that a test sets."""

    now_seconds: float = 1_000.0

    def monotonic_ns(self) -> int:
        return int(self.now_seconds * NS_PER_SECOND)

    def wall_seconds(self) -> float:
        return self.now_seconds


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def pool() -> Pool:
    """Three hosts, the last disabled; VMs of every priority; one protected VM halted, one not agile."""
    hosts = tuple(
        Host(f"host-{i}", 64 * GIB, name=f"xen{i}", memory_overhead_bytes=GIB, enabled=i < 3)
        for i in (1, 2, 3)
    )
    return Pool(
        "pool-1",
        name='office "north"',
        master="host-1",
        ha_host_failures_to_tolerate=1,
        hosts=hosts,
        srs=(SR("sr-local", shared=False, hosts=("host-1",)), SR("sr-shared")),
        vms=(
            VM("dom0-1", 4 * GIB, is_control_domain=True, power_state="Running", resident_on="host-1"),
            _protected("vm-mail", 8, "host-1", srs=("sr-shared",)),
            _protected("vm-local", 2, "host-1", srs=("sr-local",)),
            replace(_protected("vm-off", 4, "host-1"), power_state="Halted", resident_on=None),
            VM("vm-try", GIB, power_state="Running", resident_on="host-2", ha_restart_priority="best-effort"),
            VM("vm-plain", 3 * GIB, power_state="Running", resident_on="host-2"),
            VM(
                "vm-moving",
                GIB,
                power_state="Running",
                resident_on="host-2",
                scheduled_to_be_resident_on="host-1",
            ),
        ),
    )


def _protected(uuid: str, size_gib: int, host: str, srs: tuple[str, ...] = ()) -> VM:
    return VM(
        uuid,
        size_gib * GIB,
        name=f"name of {uuid}",
        power_state="Running",
        resident_on=host,
        ha_restart_priority="restart",
        ha_always_run=True,
        srs=srs,
    )


@pytest.fixture
def snapshot(pool: Pool) -> Snapshot:
    return Snapshot(
        pool, (Reject("VM", "vm-broken", "memory_static_max is not a number"),), XapiFigures(0, True)
    )


@pytest.fixture
def tolerance(pool: Pool) -> Tolerance:
    """0 to 1 failures: open."""
    return Tolerance(
        pool.uuid,
        pool.name,
        hosts=2,
        protected_vms=3,
        target=1,
        simultaneous=Bounds(0, 1, "certificate", Witness(("host-1", "host-2"), ("vm-mail",), "memory")),
        sequential=Bounds(0, 1, "certificate"),
        domains={"rack": Bounds(0, 1, "certificate")},
        elapsed_seconds=0.25,
        solver=SolverUse(calls=2, seconds=0.5, limit_reached=True),
    )


@pytest.fixture
def figures(snapshot: Snapshot, tolerance: Tolerance) -> Figures:
    losses = {"host-1": HostLoss(2, True), "host-2": HostLoss(1, False)}
    return Figures(
        snapshot,
        tolerance,
        losses,
        1_002.0,
        duration_seconds=0.75,
        headroom=ROOM,
        packable=Span(70 * GIB, 71 * GIB),
        recoveries={"host-1": RecoveryTime(None, True), "host-2": RECOVERED},
        solver=tolerance.solver,
    )


@pytest.fixture
def state(snapshot: Snapshot, figures: Figures) -> PoolState:
    """A pool that was seen at 1 000 s and planned for at 1 002 s."""
    empty = PoolState("https://master.example", recovery_objective_seconds=300.0)
    looked = planning(seen(empty, snapshot, 1_000.0))
    return planned(looked, figures)


ROOM = Headroom(
    1, Span(8 * GIB, 9 * GIB), (("host-1", Span(8 * GIB, 8 * GIB)), ("host-2", Span(0, GIB))), None, 0.5
)


RECOVERED = RecoveryTime(125.0, True)


@dataclass
class FakePlanner:
    """Answers at once what the test has laid out; remembers every question and calls `before` with it."""

    answer: Tolerance
    plan_answer: Plan
    loss: tuple[int, bool] = (0, True)
    recovery: RecoveryTime = RECOVERED
    before: Callable[[str], None] = lambda _question: None
    asked: list[str] = field(default_factory=list)
    rules: Rules = NO_RULES
    pace: Pace = USUAL_PACE

    def tolerance(self, pool: Pool, *, limit_seconds: float) -> Tolerance:
        self._take(f"tolerance {pool.name} {limit_seconds:g}")
        return replace(self.answer, pool_name=pool.name)

    def unplaced_if_failed(self, pool: Pool, host_uuid: str, *, limit_seconds: float) -> tuple[int, bool]:
        self._take(f"unplaced {host_uuid}")
        return self.loss

    def recovery_if_failed(self, pool: Pool, host_uuid: str, *, limit_seconds: float) -> RecoveryTime:
        self._take(f"recovery {host_uuid}")
        return self.recovery

    def headroom(self, pool: Pool, *, limit_seconds: float) -> Headroom:
        self._take("headroom")
        return ROOM

    def packable(self, pool: Pool) -> Span:
        return Span(70 * GIB, 71 * GIB)

    def ask(self, question: Question, pool: Pool, *, limit_seconds: float) -> Answer:
        """Answer at once; who is asked about follows the kind of question."""
        match question:
            case PlanQuestion(failed):
                self._take(f"plan {' '.join(failed)}")
                return replace(self.plan_answer, failed_hosts=failed)
            case WhatIfQuestion(changes):
                self._take(f"whatif {' '.join(changes)}")
                return WhatIf(self.answer, self.answer)
            case HeadroomQuestion(size_bytes, vcpus):
                self._take(f"headroom {size_bytes} {vcpus}")
                return replace(ROOM, count=None if size_bytes is None else Span(2, 3))
            case DrainQuestion(hosts):
                self._take(f"drain {' '.join(hosts)}")
                return Drain(hosts, True, (Move("vm-mail", "host-1", "host-2"),), (), self.answer, 0.1)
            case ExplainQuestion(target):
                return explain(pool, target=target, clock=HandClock())
            case RepairQuestion():
                self._take("repair")
                return Repair(1, None, False, False, (), None, False, None, False, 0.1)
            case RollingQuestion(floor, skipped):
                self._take(f"rolling {floor} {' '.join(skipped)}")
                return rolling(pool, floor=0, skip=("host-1",), clock=HandClock())
            case ToleranceQuestion():
                self._take("orders")
                return self.answer
        raise AssertionError(question)

    def under(self, rules: Rules, pace: Pace) -> FakePlanner:
        self.rules, self.pace = rules, pace
        return self

    def _take(self, question: str) -> None:
        self.asked.append(question)
        self.before(question)


class Gate:
    """Holds up whoever passes, from `shut` on until `open`; only questions that start with `prefix`."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()
        self._waiting = threading.Semaphore(0)
        self._prefix = ""

    def __call__(self, question: str) -> None:
        if question.startswith(self._prefix):
            self._waiting.release()
            assert self._open.wait(ENOUGH_SECONDS), "the test never opened the gate"

    def shut(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._waiting = threading.Semaphore(0)
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def await_waiting(self, count: int = 1) -> None:
        """Return once so many wait."""
        for _ in range(count):
            assert self._waiting.acquire(timeout=ENOUGH_SECONDS)


@pytest.fixture
def gate(planner: FakePlanner) -> Iterator[Gate]:
    """Stand before the planner, open at first and at last."""
    gate = Gate()
    planner.before = gate
    yield gate
    gate.open()


@pytest.fixture
def planner(tolerance: Tolerance) -> FakePlanner:
    """A planner that proves a tolerance of 1."""
    proven = replace(tolerance, simultaneous=Bounds(1, 1, "certificate"), solver=SolverUse())
    return FakePlanner(proven, Plan("id", (), True, True, (), (), 0.1))


@pytest.fixture
def renamed(snapshot: Snapshot) -> Callable[[str], Snapshot]:
    """Make a look at the pool under another name: something has changed."""
    return lambda name: replace(snapshot, pool=replace(snapshot.pool, name=name))


@pytest.fixture
def browsing() -> Iterator[Callable[[ASGIApp], httpx.Client]]:
    """Serve an application over real HTTP on a free port of 127.0.0.1; return a client of it."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(_client_of(app))


@contextmanager
def _client_of(app: ASGIApp) -> Iterator[httpx.Client]:
    with bind("127.0.0.1", 0) as bound:
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        with httpx.Client(base_url=url_of(bound), timeout=ENOUGH_SECONDS, trust_env=False) as client:
            yield client
        server.should_exit = True
        thread.join(ENOUGH_SECONDS)
        assert not thread.is_alive()


def status_of(index: int = 0, **changes: object) -> Status:
    """What the daemon of host-1, host-2 or host-3 (index 0, 1, 2) says: all are members and all is well."""
    took = replace(NOTHING_MEASURED, counts=(0, 3, 1, *NOTHING_MEASURED.counts[3:]), sum_seconds=0.0085)
    status = Status(
        version="0.1.0",
        at_seconds=1_000.0,
        uptime_seconds=400.0,
        host=DaemonHost(f"host-{index + 1}", f"xen{index + 1}", index),
        generation="generation-1",
        intervals=intervals_of(timing(60 * NS_PER_SECOND, NS_PER_SECOND)),
        isolation="evidence",
        quorum="disk",
        weight=1,
        state="member",
        state_age_seconds=390.0,
        armed=True,
        watchdog=Watchdog("device", 6.0, 57.5, 0.5),
        epoch=12,
        liveset=("host-1", "host-2", "host-3"),
        leader="host-1",
        cause="joined",
        dead=(),
        condemned=(),
        mode="disk",
        network_degraded=False,
        unresolved=False,
        waiting="",
        check_in_age_seconds=0.25,
        storage=Storage(True, 2.5, None, 8, 0, 0, 0, took, took, took, NOTHING_MEASURED),
        networks=(DaemonNetwork("lan", "eth0", True, 800, 1_590, 0, 0, NOTHING_MEASURED),),
        peers=tuple(_peer(peer) for peer in range(3) if peer != index),
        evidence=Evidence(True, 1, 1),
        fences=Fences("none", None, {}),
        warnings=(),
        refused_packets={"mac": 0},
        disbelieved_slots={"crc": 0},
    )
    return replace(status, **changes)


def _peer(index: int) -> Peer:
    return Peer(
        uuid=f"host-{index + 1}",
        name=f"xen{index + 1}",
        index=index,
        state="member",
        armed=True,
        epoch=12,
        storage=True,
        carrier=True,
        arbiters=1,
        weight=1,
        channels=(
            Channel("disk", 2.0, 61.6, 0, 0, ""),
            Channel("lan", 1.5, 30.0, 0, 0, f"192.0.2.{index + 1}:694"),
        ),
    )


def late(status: Status, peer: str, channel: str, percent: int) -> Status:
    """Return the status with a late peer; the age is that of the warning."""
    return replace(
        status,
        peers=tuple(_late(each, channel, percent) if each.uuid == peer else each for each in status.peers),
    )


def _late(peer: Peer, channel: str, percent: int) -> Peer:
    channels = (
        replace(each, warning_percent=percent, age_seconds=each.timeout_seconds * (percent + 5) / 100)
        if each.name == channel
        else each
        for each in peer.channels
    )
    return replace(peer, channels=tuple(channels))


@pytest.fixture
def make_status() -> Callable[..., Status]:
    return status_of


@pytest.fixture
def make_late() -> Callable[[Status, str, str, int], Status]:
    return late


@pytest.fixture
def daemons() -> tuple[DaemonState, ...]:
    """Three daemons that answered at 1 000 s; the first has fenced itself before and warns of a peer."""
    fenced = status_of(
        0, fences=Fences("storage_lost", 500.0, {"storage_lost": 1}), warnings=("xen2 is late.",)
    )
    statuses = (late(fenced, "host-2", "lan", 25), status_of(1), status_of(2))
    return tuple(looked(DaemonState(f"/run/{status.host.name}.sock"), status, 1_000.0) for status in statuses)


class TalkingDaemon:
    """Answers each question over a real socket with the bytes it was given; None: not at all.

    `holds`: it never hangs up.
    """

    def __init__(self, path: str, answer: bytes | None, holds: bool = False) -> None:
        self.answer = answer
        self.holds = holds or answer is None
        self.asked: list[bytes] = []
        self.answered = threading.Event()
        self._held: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(path)
        self._listening.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:  # closed by `stop`
                return
            question = connection.recv(4096)
            self.asked.append(question)
            with suppress(OSError):  # whoever asked may have hung up
                connection.sendall(self.answer or b"")
                self.answered.set()
            if self.holds:
                self._held.append(connection)
            else:
                connection.close()

    def stop(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(ENOUGH_SECONDS)
        for connection in self._held:
            connection.close()


@pytest.fixture
def daemon_at() -> Iterator[Callable[..., TalkingDaemon]]:
    """Start a daemon at a path that answers with a status, with bytes, or with nothing at all (None)."""
    with ExitStack() as stack:

        def start(
            path: object, answer: Status | bytes | None = None, *, holds: bool = False
        ) -> TalkingDaemon:
            told = encode(answer) if isinstance(answer, Status) else answer
            daemon = TalkingDaemon(str(path), told, holds)
            stack.callback(daemon.stop)
            return daemon

        yield start
