"""A disk cycle of the daemon beside fio doing the same: write one copy, then read the slots of 64 hosts.

On a loop device, past every cache, both in turns on the same device: a machine that is busy is busy for both.
Ours seals the copy before, and checks what it read after; fio moves the bytes only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.scale import Scale
from bench.table import Row, at_most
from hacore.kernel.native import (
    COPIES,
    SLOT_BYTES,
    STRIDE_BYTES,
    SlotBuffer,
    SlotDevice,
    blank_body,
    check_slots,
    choose_copies,
    pack_slot_body,
    seal_slot,
)
from hacore.statefile import (
    SLOTS_AT,
    SLOTS_END,
    STATEFILE_BYTES,
    Header,
    first_decision,
    format_statefile,
    slot_offset,
    uuid_text,
)

SUBJECT = "disk cycle of 64 slots"
HOSTS = 64
ME = 5
KEY = bytes(range(32))
BATCH = 250
"""Cycles in a row before it is the other's turn."""
ROUNDS = 16
LARGEST_RATIO = 1.2
HEADER = Header(uuid_text(bytes(16)), tuple(uuid_text(bytes([i]) * 16) for i in range(HOSTS)), 10**10)
WRITES, READS = "1", "0"
"""Directions in fio's log."""


def measure(scale: Scale) -> list[Row]:
    """Return the 99th percentiles of whole cycles, ours beside fio's."""
    if os.geteuid() != 0 or not shutil.which("fio") or not shutil.which("losetup"):
        return [Row(SUBJECT, "not measured", "needs root, fio and losetup")]
    with _loop_device(scale.folder.resolve()) as device:
        with SlotDevice(device) as opened:
            format_statefile(opened, HEADER, KEY)
        ours: list[int] = []
        theirs: list[int] = []
        cycle = _Ours(scale, device)
        batch = scale.count(BATCH)
        for _ in range(scale.count(ROUNDS)):
            ours += cycle.run(batch)
            theirs += _fio(scale.folder, device, batch)
        cycle.close()
    return _rows(ours, cycle.own_ns, theirs)


def _rows(ours: list[int], own: list[int], theirs: list[int]) -> list[Row]:
    mine, own99, fio = (_percentile(times, 99) for times in (ours, own, theirs))
    return [
        at_most(SUBJECT, f"p99 of {len(ours)} beside fio's", mine / fio, LARGEST_RATIO, "×"),
        Row(SUBJECT, "p50, p99 with checksums and MACs", f"{_percentile(ours, 50):.2f}, {mine:.2f} ms"),
        Row(SUBJECT, "p50, p99 of what is not I/O in it", f"{_percentile(own, 50):.2f}, {own99:.2f} ms"),
        Row(SUBJECT, "p50, p99 of fio", f"{_percentile(theirs, 50):.2f}, {fio:.2f} ms"),
    ]


def _percentile(times_ns: list[int], percent: int) -> float:
    """Return it in milliseconds."""
    return sorted(times_ns)[len(times_ns) * percent // 100] / 1e6


@contextmanager
def _loop_device(folder: Path) -> Iterator[str]:
    file = folder / "slots.img"
    with file.open("wb") as volume:
        os.posix_fallocate(volume.fileno(), 0, STATEFILE_BYTES)
    command = ["losetup", "-f", "--show", "--direct-io=on", str(file)]
    device = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "-d", device], check=True)
        file.unlink()


class _Ours:
    """What the pump's disk thread does in a cycle, by the same functions, on buffers that stay."""

    def __init__(self, scale: Scale, device: str) -> None:
        self._now_ns = scale.clock.monotonic_ns
        self._device = SlotDevice(device)
        self._pool = HEADER.identity(KEY)
        self._body = pack_slot_body(blank_body(first_decision(HOSTS)))
        self._buffers = [SlotBuffer(HOSTS * SLOT_BYTES) for _ in range(2)]
        self._device.read_into(self._buffers[0], SLOTS_AT)
        self._reasons = check_slots(self._pool, self._buffers[0])
        self._cycles = 0
        self.own_ns: list[int] = []
        """By cycle: how long sealing and checking took."""

    def run(self, count: int) -> list[int]:
        """Return how long each of so many cycles took, in nanoseconds."""
        times_ns = []
        for _ in range(count):
            before_ns = self._now_ns()
            self._cycle()
            times_ns.append(self._now_ns() - before_ns)
        return times_ns

    def _cycle(self) -> None:
        last, now = self._buffers[self._cycles % 2], self._buffers[1 - self._cycles % 2]
        copy = self._cycles % COPIES
        self._cycles += 1
        sequence = COPIES + self._cycles
        began_ns = self._now_ns()
        block = seal_slot(self._pool, self._body, ME, copy, sequence, 0)
        sealed_ns = self._now_ns()
        self._device.write(block, slot_offset(ME, copy))
        self._device.read_into(now, SLOTS_AT)
        read_ns = self._now_ns()
        self._reasons = check_slots(self._pool, now, (last, self._reasons))
        newest, doubted = choose_copies(now, self._reasons)
        self.own_ns.append(sealed_ns - began_ns + self._now_ns() - read_ns)
        assert not doubted, hex(doubted)
        assert newest[ME] == copy, newest[ME]

    def close(self) -> None:
        """Give the device back."""
        self._device.close()


def _fio(folder: Path, device: str, count: int) -> list[int]:
    """Let fio play the same calls, and return write and read together of each cycle, in nanoseconds.

    It writes behind the slots: what it writes is noise.
    """
    script, log = folder / "slots.iolog", folder / "slots"
    calls = [
        f"{device} write {SLOTS_END + i % COPIES * STRIDE_BYTES} {STRIDE_BYTES}\n"
        f"{device} read {SLOTS_AT} {HOSTS * SLOT_BYTES}\n"
        for i in range(count)
    ]
    head, tail = f"fio version 2 iolog\n{device} add\n{device} open\n", f"{device} close\n"
    script.write_text(head + "".join(calls) + tail, encoding="utf-8")
    command = ["fio", "--name=slots", f"--read_iolog={script}", "--replay_no_stall=1", "--ioengine=psync"]
    command += ["--direct=1", "--sync=dsync", "--thread", "--log_unix_epoch=0", f"--write_lat_log={log}"]
    subprocess.run(command, capture_output=True, text=True, check=True)
    lines = Path(f"{log}_lat.1.log").read_text(encoding="utf-8").splitlines()
    took = [(words[2], int(words[1])) for line in lines if (words := line.split(", "))]
    writes = [ns for direction, ns in took if direction == WRITES]
    reads = [ns for direction, ns in took if direction == READS]
    assert len(writes) == len(reads) == count, (len(writes), len(reads))
    return [write + read for write, read in zip(writes, reads, strict=True)]
