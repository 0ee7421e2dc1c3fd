"""The threads of the fake pump: disk, net and dog, as events in the world's queue.

They do what the native threads do, in the same order, and decide with the same twins. A stopped thread does
nothing until it is continued, wherever it was; what the kernel was doing for it goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hacore.core.events import DiskCycle, Heard
from hacore.core.numbering import Finished
from hacore.core.timing import Timing
from hacore.kernel._pump import NO_COPY, OwnCopy, PeerBook, Word
from hacore.records import NOBODY, PacketBody, SlotBody
from hacore.testing.clock import FakeClock
from hacore.testing.disk import Copy, FakeDisk, Snapshot
from hacore.testing.network import Air, bits
from hacore.testing.port import Landing, Port
from hacore.testing.twins import Twins
from hacore.testing.watchdog import FakeWatchdog
from hacore.testing.wire import Mark, Read, Said


class Life(Protocol):
    """What a thread knows of the machine it runs on."""

    me: int
    incarnation: int
    clock: FakeClock
    timing: Timing
    twins: Twins
    port: Port
    disk: FakeDisk
    air: Air

    def now(self) -> int:
        """Return true time."""
        ...

    def floor(self) -> int:
        """Return above what this start numbers its writes."""
        ...

    def after(self, delay_ns: int, act: Callable[..., None], *values: object) -> None:
        """Let a thread of this daemon go on after a while, if it still lives and is not stopped."""
        ...

    def overdue(self) -> bool: ...
    def chance(self) -> float: ...
    def land(self, landing: Landing, copy: int, content: Copy) -> None: ...
    def cycle_ended(self) -> None: ...
    def news(self) -> None: ...


class DiskChannel:
    """Write the own slot, read all slots, once a beat or when kicked."""

    def __init__(self, life: Life, before: Finished) -> None:
        self.life = life
        self.beat_ns = life.clock.lasts(life.timing.beat_ns)
        copies = [
            None if copy is None else OwnCopy(copy.sequence, copy.body.incarnation, copy.burnt)
            for copy in life.disk.copies[life.me]
        ]
        self.sequence, self.turn = life.twins.take_over(
            copies,
            life.incarnation,
            now_ns=life.clock.at(life.now()),
            wall_ns=life.floor(),
            ghost_ns=life.timing.ghost_ns,
            finished=before.sequence,
            failed_ns=before.failed_ns,
            returned_ns=before.returned_ns,
        )
        self.turn = life.twins.turn(self.turn)
        self.version = 0
        self.body: SlotBody | None = None
        self.since_ns = 0  # S, by this host's clock
        self.ended: DiskCycle | None = None
        self.last: DiskCycle | None = None  # that ended, looked at or not
        self.busy = self.kicked = False
        self._copy = NO_COPY  # written last
        self._due_ns = 0  # true time of the next beat
        self._last = Snapshot([0] * life.disk.hosts, [None] * life.disk.hosts, 0, life.disk.newest)

    def start(self) -> None:
        self._due_ns = self.life.now()
        self._beat(self._due_ns)

    def kick(self) -> None:
        """Start a cycle now, or right after the one that runs."""
        if self.busy:
            self.kicked = True
        else:
            self._begin()

    def _beat(self, due_ns: int) -> None:
        if due_ns == self._due_ns and not self.busy:
            self._begin()

    def _begin(self) -> None:
        life = self.life
        self.busy, self.kicked = True, False
        started_ns = life.clock.at(life.now())
        self._copy = NO_COPY if self.body is None else self.turn.next(started_ns)
        if self.body is None or self._copy == NO_COPY or life.overdue():
            self._read(self.version if self.body else 0, started_ns, False)
            return
        copy = self._copy
        self.sequence += 1
        content = Copy(self.sequence, copy, self.turn.burnt, self.body)
        fate = life.port.write()
        if fate.landing is not None:
            life.land(fate.landing, copy, content)
        life.after(fate.after_ns, self._answered, self.version, started_ns, copy, fate.worked)

    def _answered(self, version: int, started_ns: int, copy: int, worked: bool) -> None:
        """Go on when the write is answered; on a path that hangs that is later."""
        if self.life.port.hangs:
            self.life.port.wait(lambda: self.life.after(1, self._answered, version, started_ns, copy, worked))
            return
        clean = self.turn.clean(copy)
        counts = self.life.twins.counts(worked, clean)
        self.kicked = self.kicked or (worked and not clean)  # after a probe that worked the next cycle is due
        self.turn.ended(copy, worked, started_ns, self.life.clock.at(self.life.now()))
        self._read(version, started_ns, counts)

    def _read(self, version: int, started_ns: int, written: bool) -> None:
        life = self.life
        fate = life.port.read()
        begun_ns = life.now()
        life.after(
            fate.after_ns, self._looked, version, started_ns, written, begun_ns, fate.worked, fate.spread
        )

    def _looked(
        self, version: int, started_ns: int, written: bool, begun_ns: int, worked: bool, spread: float
    ) -> None:
        life = self.life
        if life.port.read_hangs:
            life.port.wait(
                lambda: life.after(1, self._looked, version, started_ns, written, begun_ns, worked, spread)
            )
            return
        shown = life.disk.read(life.now(), self._instants(begun_ns, spread)) if worked else None
        self._end(version, started_ns, written, life.clock.at(begun_ns), shown)

    def _instants(self, begun_ns: int, spread: float) -> list[int] | None:
        """Return when the read passed each slot; `spread` says how much of it was early (0) or late (2)."""
        if not self.life.disk.changed_since(begun_ns):
            return None
        hosts, lasted_ns = self.life.disk.hosts, self.life.now() - begun_ns
        first, width = (0.0, spread) if spread <= 1 else (spread - 1, 2 - spread)
        share = (first + width * (host + 0.5) / hosts for host in range(hosts))
        return [begun_ns + int(lasted_ns * each) for each in share]

    def _end(
        self, version: int, started_ns: int, written: bool, begun_ns: int, shown: Snapshot | None
    ) -> None:
        life, me = self.life, self.life.me
        found = shown or self._last
        published = self.body is not None
        good = life.twins.read_good(published, written, shown is not None, self.sequence, found.sequences[me])
        member = life.twins.member(found.newest, me, life.incarnation)
        self.since_ns = life.twins.disk_since_ns(self.since_ns, started_ns, written, good, member)
        if good and shown is not None:
            self._last = shown
        told = self._last
        self.ended = self.last = DiskCycle(
            version,
            started_ns,
            written,
            begun_ns,
            life.clock.at(life.now()),
            good,
            told.sequences,
            told.bodies,
            told.doubted,
            self._copy,
            self.turn.burnt,
            foreign=written and shown is not None and not good,
        )
        self._rest()
        life.cycle_ended()

    def _rest(self) -> None:
        """Wait for the next beat, or go on at once if kicked meanwhile."""
        now_ns = self.life.now()
        self.busy = False
        while self._due_ns <= now_ns:
            self._due_ns += self.beat_ns
        if self.kicked:
            self._begin()
        self.life.after(self._due_ns - now_ns, self._beat, self._due_ns)


class NetChannel:
    """Say the newest word once a beat or when kicked; know what the others said last."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.watched = 0
        self.reading = True
        self.body: PacketBody | None = None
        self.granted_ns = 0
        self._sequence = life.clock.at(life.now())  # never lower than a predecessor's in the same boot
        self._beat_ns = life.clock.lasts(life.timing.beat_ns)
        self._book = PeerBook(life.disk.hosts, life.me, life.air.networks, life.timing.unheard_ns)
        self._bodies: list[PacketBody | None] = [None] * life.disk.hosts
        self._socket: list[tuple[bytes, int]] = []

    def start(self) -> None:
        self.life.air.attach(self.life.me, self)
        self._beat()

    def say(self, body: PacketBody, at_once: bool) -> None:
        self.body = body
        if at_once:
            self._send()

    def _beat(self) -> None:
        self._send()
        self.life.after(self._beat_ns, self._beat)

    def _send(self) -> None:
        life, body = self.life, self.body
        if body is None:
            return
        now_ns = life.clock.at(life.now())
        self._sequence += 1
        if body.grants:
            self.granted_ns = now_ns
        mark = (life.incarnation, now_ns)
        life.air.send(Said(life.me, self._sequence, mark, body, self._to_echo()))

    def _to_echo(self) -> list[Mark]:
        marks = self.life.air.marks[:]
        for sender in bits(self.watched):
            marks[sender] = (self._book.incarnations[sender], self._book.stamps_ns[sender])
        return marks

    def receive(self, raw: bytes, network: int, came_ns: int) -> int:
        """Take in bytes that came, or let them wait while nobody reads the socket."""
        if not self.reading:
            self._socket.append((raw, network))
            return NOBODY
        packet = self.life.air.wire.open(raw, self.life.me, self.life.incarnation)
        if packet is None:
            return NOBODY
        before = self._book.heard_ns[packet.sender]
        word = self._accept(packet, network, came_ns)
        if word == Word.NEWS:
            known = self._bodies[packet.sender]
            self._bodies[packet.sender] = packet.body
            if not before or packet.body is not known:
                self.life.news()
        return packet.sender if word in (Word.NEWS, Word.AGAIN) else NOBODY

    def _accept(self, packet: Read, network: int, came_ns: int) -> Word:
        return self._book.accept(
            network,
            packet.sender,
            packet.body.incarnation,
            packet.sequence,
            packet.stamp_ns,
            packet.echo_ns,
            self.life.clock.at(came_ns),
        )

    def stop_reading(self) -> None:
        self.life.air.hold(self.life.me)
        self.reading = False

    def read_again(self) -> None:
        """Read what waited in the socket, all of it now."""
        self.reading = True
        waiting, self._socket = self._socket, []
        for raw, network in waiting:
            self.receive(raw, network, self.life.now())

    def news(self) -> None:
        if self.reading:
            self.life.news()

    def heard(self) -> Heard:
        """Return the newest word of everybody."""
        life, air, me = self.life, self.life.air, self.life.me
        now_ns = life.clock.at(life.now())
        heard_ns = life.clock.all_at(air.sent_ns)
        bodies = air.bodies[:]
        mine = life.incarnation
        echoes_ns = [
            mark[1] if (mark := each[me])[0] == mine and mark[1] <= now_ns else 0 for each in air.echoes
        ]
        book = self._book
        for sender in bits(self.watched):
            heard_ns[sender] = book.heard_ns[sender]
            bodies[sender] = self._bodies[sender]
            echoes_ns[sender] = book.echoes_ns[sender]
        return Heard(heard_ns, bodies, echoes_ns, self.granted_ns)


class Dog:
    """Ping the watchdog while the lease allows."""

    def __init__(self, life: Life, disk: DiskChannel) -> None:
        self.life = life
        self.watchdog: FakeWatchdog | None = None
        self.lease_disk = False
        self.granted_ns = 0
        self.checked_in_ns = 0
        self._disk = disk
        self._beat_ns = life.clock.lasts(life.timing.watchdog_ns // 4)

    def start(self) -> None:
        self._beat()

    def may(self) -> bool:
        """Look at the clock and decide."""
        life = self.life
        return self.watchdog is not None and life.twins.may_ping(
            life.clock.at(life.now()),
            self.since_ns,
            self.checked_in_ns,
            watching=True,
            ping_until_ns=life.timing.ping_until_ns,
            check_in_ns=life.timing.check_in_ns,
        )

    @property
    def since_ns(self) -> int:
        """Return S, by this host's clock."""
        return self.life.twins.lease_since_ns(self.lease_disk, self._disk.since_ns, self.granted_ns)

    def ping(self) -> None:
        if self.watchdog is not None:
            self.watchdog.ping()

    def _beat(self) -> None:
        if self.may():
            self.ping()
        self.life.after(self._beat_ns, self._beat)
