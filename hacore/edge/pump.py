"""The native pump behind its door: records in and out, bytes in between. Decides nothing.

Must never wait for disk or network, nor make a new object of a body that did not change: the machine looks at
what changed by identity.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from hacore.core.events import DiskCycle, Heard
from hacore.core.numbering import UNFINISHED, Finished
from hacore.core.timing import NS, Timing
from hacore.edge.doors import BeatMeter, DiskMeter, DogMeter, Histogram, Meters, NetMeter
from hacore.kernel.native import (
    PoolIdentity,
    Reason,
    pack_packet_body,
    pack_slot_body,
    unpack_packet_body,
    unpack_slot_body,
)
from hacore.kernel.nativepump import PumpThreads
from hacore.records import PacketBody, SlotBody

STOP_GRACE_NS = NS
"""How long `stop` waits for I/O that is out."""
_THREADS = ("disk", "network", "watchdog")
_PACKET_REASONS = (*(reason.name.lower() for reason in Reason), "replayed", "incarnation", "own")
_SLOT_REASONS = tuple(reason.name.lower() for reason in Reason)


@dataclass(frozen=True, slots=True)
class PumpSetup:
    """Who speaks, where to, and how fast."""

    pool: PoolIdentity
    me: int
    incarnation: int
    timing: Timing
    slots_at_bytes: int  # where the slots begin on the device
    device: int | None  # descriptor of the open statefile; the pump keeps its own copy
    sockets: tuple[int | None, ...]  # one UDP socket a network; the pump keeps its own copies
    since_ns: int = 0  # the disk's S of a predecessor in this boot that handed over
    finished: Finished = UNFINISHED  # what the daemon before says of its writes
    wall_ns: int = 0  # own sequences start above it: the wall clock in ns


class NativePump:
    """The three native threads; see `hacore.edge.doors.Pump` for what each call means."""

    def __init__(self, setup: PumpSetup) -> None:
        """Take copies of the descriptors; OSError if there are none left."""
        timing, self._hosts = setup.timing, setup.pool.hosts
        self._networks = len(setup.sockets)
        self._threads = PumpThreads(
            setup.pool,
            setup.me,
            setup.incarnation,
            device=setup.device,
            slots_at=setup.slots_at_bytes,
            sockets=setup.sockets,
            beat_ns=timing.beat_ns,
            dog_beat_ns=timing.watchdog_ns // 4,
            ping_until_ns=timing.ping_until_ns,
            over_ns=timing.over_ns,
            check_in_ns=timing.check_in_ns,
            unheard_ns=timing.unheard_ns,
            ghost_ns=timing.ghost_ns,
            wall_ns=setup.wall_ns,
            since_ns=setup.since_ns,
            finished=astuple(setup.finished),
        )
        self._slots: list[SlotBody | None] = [None] * self._hosts
        self._words: list[PacketBody | None] = [None] * self._hosts
        self._seen_slots: tuple[SlotBody | None, ...] = tuple(self._slots)
        self._seen_words: tuple[PacketBody | None, ...] = tuple(self._words)
        self._realtime = (False, False, False)
        self._locked = False
        self._warnings: tuple[str, ...] = ()

    def start(self) -> tuple[str, ...]:
        """Start; return what was not granted, as sentences. OSError if threads cannot be made."""
        self._realtime, lock_errno = self._threads.start()
        self._locked = lock_errno == 0
        self._warnings = tuple(_warnings(self._realtime, lock_errno))
        return self._warnings

    def stop(self) -> bool:
        return self._threads.stop(STOP_GRACE_NS)

    def left(self) -> Finished:
        sequence, failed_ns, returned_ns = self._threads.left()
        return Finished(sequence, tuple(failed_ns), returned_ns)

    def fileno(self) -> int:
        return self._threads.fileno()

    # --- what the machine wants ---

    def publish(self, version: int, body: SlotBody, at_once: bool) -> None:
        self._threads.publish(version, pack_slot_body(body), at_once)

    def say(self, body: PacketBody, at_once: bool) -> None:
        self._threads.say(pack_packet_body(body, self._hosts), at_once)

    def lease(self, disk: bool, granted_ns: int) -> None:
        self._threads.lease(disk, granted_ns)

    def watch(self, watchdog: int | None) -> None:
        self._threads.watch(watchdog)

    def check_in(self) -> None:
        self._threads.check_in()

    def set_address(self, peer: int, network: int, address: tuple[str, int] | None) -> None:
        """Send to this numeric address; ValueError for one that is none, OSError for an unknown `%zone`."""
        host, port = address or ("", 0)
        raw, scope = _packed(host)
        self._threads.set_address(peer, network, raw, port, scope)

    def set_socket(self, network: int, socket: int | None) -> None:
        self._threads.set_socket(network, socket)

    def set_device(self, device: int | None) -> None:
        self._threads.set_device(device)

    # --- what the threads saw ---

    def cycle(self) -> DiskCycle | None:
        taken = self._threads.take_cycle()
        if taken is None:
            return None
        figures, sequences, changed = taken
        version, started_ns, written, read_ns, completed_ns, read, doubted, copy, burnt, foreign = figures
        for host, raw in changed:
            self._slots[host] = None if raw is None else unpack_slot_body(raw, self._hosts)
        if changed:
            self._seen_slots = tuple(self._slots)
        return DiskCycle(
            version=version,
            started_ns=started_ns,
            written=written,
            read_started_ns=read_ns,
            completed_ns=completed_ns,
            read=read,
            sequences=sequences,
            bodies=self._seen_slots,
            doubted=doubted,
            copy=copy,
            burnt=burnt,
            foreign=foreign,
        )

    def heard(self) -> Heard:
        heard_ns, echoes_ns, granted_ns, changed = self._threads.take_words()
        for host, raw in changed:
            self._words[host] = unpack_packet_body(raw, self._hosts)
        if changed:
            self._seen_words = tuple(self._words)
        return Heard(heard_ns, self._seen_words, echoes_ns, granted_ns)

    def meters(self) -> Meters:
        disk, net, dog = map(_beat, self._threads.beats(), self._realtime)
        return Meters(
            disk_beat=disk,
            net_beat=net,
            dog_beat=dog,
            disk=self._disk(),
            networks=tuple(self._network(number) for number in range(self._networks)),
            dog=DogMeter(*self._threads.dog()),
            memory_locked=self._locked,
            warnings=self._warnings,
        )

    def _disk(self) -> DiskMeter:
        (write, read, cycle), figures, refused = self._threads.disk()
        return DiskMeter(
            Histogram(*write), Histogram(*read), Histogram(*cycle), *figures, _named(_SLOT_REASONS, refused)
        )

    def _network(self, number: int) -> NetMeter:
        sent, received, send_errors, receive_errors, refused, heard_ns, addresses = self._threads.network(
            number
        )
        return NetMeter(
            sent,
            received,
            tuple(send_errors),
            tuple(receive_errors),
            _named(_PACKET_REASONS, refused),
            tuple(heard_ns),
            tuple(None if each is None else _address(*each) for each in addresses),
        )


def _beat(figures: tuple[int, int, tuple[tuple[int, ...], int]], realtime: bool) -> BeatMeter:
    beats, missed, lateness = figures
    return BeatMeter(beats, missed, Histogram(*lateness), realtime)


def _warnings(realtime: Sequence[bool], lock_errno: int) -> list[str]:
    """Say what was not granted and what it may cost."""
    late = [name for name, granted in zip(_THREADS, realtime, strict=True) if not granted]
    warnings = []
    if late:
        warnings.append(
            f"no real-time priority for the {', '.join(late)} thread{'s'[: len(late) > 1]}: on a busy host "
            "heartbeats may come late (allow CAP_SYS_NICE or RLIMIT_RTPRIO)"
        )
    if lock_errno:
        warnings.append(
            f"memory is not locked ({os.strerror(lock_errno)}): a host that swaps may be fenced "
            "(allow CAP_IPC_LOCK or RLIMIT_MEMLOCK)"
        )
    return warnings


def _named(names: Sequence[str], counts: Sequence[int]) -> tuple[tuple[str, int], ...]:
    return tuple((name, count) for name, count in zip(names, counts, strict=True) if count)


def _packed(host: str) -> tuple[bytes, int]:
    """Return a numeric address in network order and its interface's index."""
    if not host:
        return b"", 0
    plain, _, zone = host.partition("%")
    family = socket.AF_INET6 if ":" in plain else socket.AF_INET
    try:
        raw = socket.inet_pton(family, plain)
    except OSError:
        raise ValueError(f"{host!r}: expected a numeric IPv4 or IPv6 address") from None
    return raw, _scope(zone)


def _scope(zone: str) -> int:
    if not zone:
        return 0
    return int(zone) if zone.isdigit() else socket.if_nametoindex(zone)


def _address(raw: bytes, port: int, scope: int) -> tuple[str, int]:
    plain = socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)
    return (f"{plain}%{scope}" if scope else plain), port
