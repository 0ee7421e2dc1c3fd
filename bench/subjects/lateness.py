"""Heartbeats on time, native and in Python, while the GIL is held, garbage collected and every core busy.

Both beat in one process, at the same time, ten times faster than the daemon ever does: enough beats for a
p99.9. The statefile is in memory: no disk is measured.
"""

from __future__ import annotations

import gc
import os
import select
import shutil
import socket
import subprocess
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile

from bench.scale import Scale
from bench.table import Row, at_most
from hacore.clock import Clock
from hacore.core.timing import NS, timing
from hacore.edge.doors import BUCKETS_NS, BeatMeter, Meters
from hacore.edge.pump import NativePump, PumpSetup
from hacore.kernel._pump import next_beat
from hacore.kernel.native import PACKET_BYTES, SlotDevice, blank_body
from hacore.records import PacketBody, State
from hacore.statefile import SLOTS_AT, STATEFILE_BYTES, Header, first_decision, format_statefile, uuid_text

SUBJECT = "heartbeats under load"
BEAT_NS = 10_000_000
BEATS = 3000
OBJECTS = 1_000_000
LARGEST_SECONDS = 0.005
PERCENT = 99.9
KEY = bytes(range(32))
HEADER = Header(uuid_text(bytes(16)), tuple(uuid_text(bytes([i]) * 16) for i in range(2)), NS)
TIMING = replace(timing(NS, 0, lab=True), beat_ns=BEAT_NS, watchdog_ns=4 * BEAT_NS)
MEMORY = Path("/dev/shm")


def measure(scale: Scale) -> list[Row]:
    """Return how late the native threads and a Python thread were, and how many beats they missed."""
    stress = shutil.which("stress-ng")
    if stress is None:
        return [Row(SUBJECT, "not measured", "needs stress-ng")]
    with ExitStack() as stack:
        pump = stack.enter_context(_pump(scale.folder))
        slow = stack.enter_context(_python_beats(scale.clock))
        before = pump.meters()
        missed_before = slow.missed
        for load in (_every_core(stress), _garbage(scale.count(OBJECTS)), _held_lock()):
            stack.enter_context(load)
        threading.Event().wait(scale.count(BEATS) * BEAT_NS / NS)
        after = pump.meters()
        slow_missed = slow.missed - missed_before
    return _rows(before, after, sorted(slow.late_ns), slow_missed)


def _rows(before: Meters, after: Meters, late_ns: list[int], slow_missed: int) -> list[Row]:
    threads = [
        ("disk", before.disk_beat, after.disk_beat),
        ("network", before.net_beat, after.net_beat),
        ("watchdog", before.dog_beat, after.dog_beat),
    ]
    rows = []
    for name, old, new in threads:
        what = f"{name} thread{'' if new.realtime else ' (no real-time priority)'}"
        beats = new.beats - old.beats
        rows.append(
            at_most(SUBJECT, f"{what}: p99.9 of {beats} beats", _late(old, new), LARGEST_SECONDS, "ms", 1e3)
        )
        rows.append(at_most(SUBJECT, f"{what}: missed intervals", new.missed - old.missed, 0, ""))
    p999 = late_ns[min(len(late_ns) - 1, int(len(late_ns) * PERCENT / 100))] / 1e6
    rows.append(Row(SUBJECT, f"the same in Python: p99.9 of {len(late_ns)} beats", f"{p999:,.4g} ms"))
    rows.append(Row(SUBJECT, "the same in Python: missed intervals", str(slow_missed)))
    return rows


def _late(old: BeatMeter, new: BeatMeter) -> float:
    """Return the upper bound of the bucket that holds the percentile, in seconds."""
    counts = [b - a for a, b in zip(old.lateness.counts, new.lateness.counts, strict=True)]
    wanted, passed = sum(counts) * PERCENT / 100, 0
    for bound_ns, count in zip(BUCKETS_NS, counts[:-1], strict=True):
        passed += count
        if passed >= wanted:
            return bound_ns / NS
    return float("inf")


# --- both sides -------------------------------------------------------------------------------------------


@contextmanager
def _pump(folder: Path) -> Iterator[NativePump]:
    """Run a pump that writes its slot, pings and sends to a socket that nobody reads."""
    place = MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else folder
    with NamedTemporaryFile(dir=place) as file, socket.socket(type=socket.SOCK_DGRAM) as ours:
        file.truncate(STATEFILE_BYTES)
        ours.bind(("127.0.0.1", 0))
        with SlotDevice(file.name, lab=True) as device:
            format_statefile(device, HEADER, KEY)
            setup = PumpSetup(HEADER.identity(KEY), 0, 1, TIMING, SLOTS_AT, device.fileno(), (ours.fileno(),))
            pump = NativePump(setup)
        pump.set_address(1, 0, ours.getsockname())
        pump.start()
        pump.publish(1, replace(blank_body(first_decision(2)), incarnation=1, state=State.JOINING), True)
        pump.say(PacketBody(1, State.JOINING, 1, 1, True, True, 0, 1, 0, 0, 0), True)
        try:
            yield pump
        finally:
            pump.stop()


@dataclass
class _Beats:
    """What the Python thread measured."""

    late_ns: list[int] = field(default_factory=list)
    missed: int = 0


@contextmanager
def _python_beats(clock: Clock) -> Iterator[_Beats]:
    """Run the network thread's loop in Python: wait for the beat, seal a packet, send it."""
    found, stop = _Beats(), threading.Event()

    def run() -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as ours:
            ours.bind(("127.0.0.1", 0))
            ours.setblocking(False)
            there, due_ns = ours.getsockname(), clock.monotonic_ns() + BEAT_NS
            while not stop.is_set():
                left_ns = due_ns - clock.monotonic_ns()
                if left_ns > 0 and select.select([ours], [], [], left_ns / NS)[0]:
                    ours.recv(PACKET_BYTES)
                    continue
                now_ns = clock.monotonic_ns()
                if now_ns < due_ns:
                    continue
                found.late_ns.append(now_ns - due_ns)
                due_ns, missed = next_beat(due_ns, now_ns, BEAT_NS)
                found.missed += missed
                body = bytes(PACKET_BYTES - 16)
                ours.sendto(body + blake2b(body, key=KEY, digest_size=16).digest(), there)

    with _thread(run, stop):
        yield found


# --- what keeps the machine busy --------------------------------------------------------------------------


@contextmanager
def _thread(run: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def _every_core(stress: str) -> Iterator[None]:
    load = subprocess.Popen([stress, "--quiet", "--cpu", "0", "--timeout", "10m"])
    try:
        yield
    finally:
        load.terminate()
        load.wait()


@contextmanager
def _garbage(count: int) -> Iterator[None]:
    """Let the collector run over many objects again and again; it holds the GIL all the while."""
    stop, objects = threading.Event(), [[i] for i in range(count)]

    def run() -> None:
        while not stop.is_set():
            gc.collect()

    with _thread(run, stop):
        yield
    objects.clear()


@contextmanager
def _held_lock() -> Iterator[None]:
    """Let a thread take the GIL whenever it can get it."""
    stop = threading.Event()

    def run() -> None:
        table, wanted = list(range(1000)), 0
        while not stop.is_set():
            wanted += bisect_left(table, wanted % 1000)

    with _thread(run, stop):
        yield
