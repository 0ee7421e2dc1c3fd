"""A pool by hand: real machines over a list of bodies, driven cycle by cycle. Nothing in it is random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hacore.core.effects import CloseWatchdog, Effect, Fence, Lease, Note, OpenWatchdog, Publish, Say, Stop
from hacore.core.events import DiskCycle, Event, Evidence, Heard, Tick
from hacore.core.machine import Machine
from hacore.core.rules import RULES, Rules
from hacore.core.setup import Quorum, Setup
from hacore.core.timing import NS, Timing, timing
from hacore.core.view import View
from hacore.core.words import spoken
from hacore.kernel.native import blank_body
from hacore.records import NOBODY, Cause, Decision, PacketBody, SlotBody, State

T_NS = 20 * NS
MS = NS // 1000


class Box:
    """One host: its machine, what it publishes and says, what became of it."""

    def __init__(self, pool: Pool, index: int, incarnation: int, setup: Setup) -> None:
        self.pool, self.index, self.incarnation = pool, index, incarnation
        self.machine = Machine(setup, pool.rules)
        self.version, self.written_version = 0, 0
        self.body: SlotBody | None = None
        self.packet: PacketBody | None = None
        self.granted_ns = 0
        self.kicked = False
        self.effects: list[Effect] = []
        self.lease = Lease(disk=False, granted_ns=0)
        self.armed = self.fenced = self.stopped = False
        self.storage = True
        self.seen: list[SlotBody | None] = []
        self.sequences: list[int] = [0] * pool.hosts
        self.echoes_ns = [0] * pool.hosts
        self.heard_ns = [0] * pool.hosts
        self.packets: list[PacketBody | None] = [None] * pool.hosts

    @property
    def view(self) -> View:
        return self.machine.view()

    @property
    def waiting(self) -> str:
        return str(spoken(self.view.waiting, str))

    def notes(self, word: str) -> list[dict[str, str | int | bool]]:
        found = [each for each in self.effects if isinstance(each, Note) and each.word == word]
        return [{key: spoken(value, str) for key, value in each.values} for each in found]

    def tell(self, event: Event) -> None:
        for effect in self.machine.handle(event, self.pool.now_ns):
            self.effects.append(effect)
            self._carry(effect)

    def _carry(self, effect: Effect) -> None:
        match effect:
            case Publish(version, body, at_once):
                assert version == self.version + 1
                self.version, self.body, self.kicked = version, body, self.kicked or at_once
                if body.state is State.FENCING:
                    assert self.lease == Lease(disk=False, granted_ns=0), "confirms beside a lease"
            case Say(body):
                self.packet = body
            case Lease():
                self.lease = effect
            case OpenWatchdog():
                self.armed = True
            case CloseWatchdog():
                self.armed = False
            case Fence():
                self.fenced = True
            case Stop():
                self.stopped = True

    def cycle(self, *, written: bool = True, read: bool = True, doubted: int = 0, copies: int = 8) -> None:
        """Run one disk cycle, at once."""
        pool, started_ns = self.pool, self.pool.now_ns
        written = written and self.storage and self.body is not None
        read = read and self.storage and (written or self.body is None)
        if written:
            pool.slots[self.index] = self.body
            pool.sequences[self.index] += 1
        if read:
            self.seen, self.sequences = list(pool.slots), list(pool.sequences)
        pool.now_ns += MS
        self.kicked = False
        self.tell(
            DiskCycle(
                version=self.version,
                started_ns=started_ns,
                written=written,
                read_started_ns=started_ns,
                completed_ns=pool.now_ns,
                read=read,
                sequences=self.sequences,
                bodies=self.seen or [None] * pool.hosts,
                doubted=doubted,
                copy=8 - copies + pool.sequences[self.index] % max(copies, 1),
                burnt=(1 << 8 - copies) - 1,
                foreign=False,
            )
        )

    def listen(self) -> None:
        """Take in the newest word of everybody who is up and can be heard; words are never late here."""
        for other in self.pool.boxes:
            if other is None or other is self or other.packet is None or not self.pool.hears(self, other):
                continue
            self.heard_ns[other.index] = self.pool.now_ns
            self.packets[other.index] = other.packet
            if self.pool.hears(other, self) and self.packet is not None:
                self.echoes_ns[other.index] = self.pool.now_ns
        if self.packet is not None and self.packet.grants:
            self.granted_ns = self.pool.now_ns
        self.tell(Heard(list(self.heard_ns), list(self.packets), list(self.echoes_ns), self.granted_ns))


class Pool:
    """All hosts, one disk, one network, one clock."""

    def __init__(self, hosts: int, rules: Rules = RULES, **setup: object) -> None:
        self.hosts, self.rules, self._setup = hosts, rules, setup
        self.timing: Timing = timing(T_NS, NS // 10, lab=True)
        self.now_ns = 1000 * NS
        everybody = (1 << hosts) - 1
        self.formatted = Decision(1, everybody, (0,) * hosts, NOBODY, Cause.NONE)
        self.slots: list[SlotBody | None] = [blank_body(self.formatted) for _ in range(hosts)]
        self.sequences = [1] * hosts
        self.boxes: list[Box | None] = [None] * hosts
        self.cut: set[tuple[int, int]] = set()
        self._boots = 0

    def __getitem__(self, index: int) -> Box:
        box = self.boxes[index]
        assert box is not None
        return box

    def hears(self, box: Box, other: Box) -> bool:
        return (other.index, box.index) not in self.cut

    def boot(self, index: int, incarnation: int = 0) -> Box:
        """Start a daemon: of a new boot, or of that one."""
        self._boots += 1
        incarnation = incarnation or 1000 * (index + 1) + self._boots
        setup = Setup(self.hosts, index, incarnation, self.timing, **self._setup)  # type: ignore[arg-type]
        box = self.boxes[index] = Box(self, index, incarnation, setup)
        box.tell(Evidence(carrier=True, arbiters=1))
        return box

    def crash(self, index: int) -> None:
        self.boxes[index] = None

    def cut_off(self, *hosts: int) -> None:
        """Let nobody hear these hosts, nor they anybody outside."""
        for host in hosts:
            for other in set(range(self.hosts)) - set(hosts):
                self.cut |= {(host, other), (other, host)}

    def beat(self) -> None:
        """Let one beat pass: everybody listens, runs a cycle, and as many more as are asked for at once."""
        end_ns = self.now_ns + self.timing.beat_ns
        for box in self.up():
            box.listen()
            box.cycle()
        for _ in range(20):
            for box in self.up():
                if box.kicked and box.storage:
                    box.cycle()
        for box in self.up():
            box.tell(Tick())
        self.now_ns = max(self.now_ns, end_ns)

    def up(self) -> list[Box]:
        return [box for box in self.boxes if box is not None and not box.fenced and not box.stopped]

    def run(self, seconds: float) -> None:
        end_ns = self.now_ns + int(seconds * NS)
        while self.now_ns < end_ns:
            self.beat()

    def until(self, condition: Callable[[], bool], seconds: float) -> None:
        end_ns = self.now_ns + int(seconds * NS)
        while not condition():
            assert self.now_ns < end_ns, "it never came to that"
            self.beat()

    def form(self) -> None:
        """Boot everybody and wait until all are members."""
        for index in range(self.hosts):
            self.boot(index)
        self.until(lambda: all(box.view.state is State.MEMBER for box in self.up()), 10)

    def livesets(self) -> set[tuple[int, int]]:
        """Epoch and liveset as the hosts that are up know them."""
        return {(box.view.epoch, box.view.liveset) for box in self.up()}


@pytest.fixture
def pool_of() -> Callable[..., Pool]:
    return Pool


@pytest.fixture
def pool() -> Pool:
    """Three members."""
    made = Pool(3)
    made.form()
    return made


@pytest.fixture
def majority() -> Pool:
    """Five members that live on a majority of grants."""
    made = Pool(5, quorum=Quorum.MAJORITY)
    made.form()
    return made


__all__ = ["Pool", "replace"]
