"""A disk that answers nothing: the disk thread alone waits, everybody knows since when, stopping does not.

The disk is a file on a frozen file system (FIFREEZE): a write to it waits, uninterruptibly, until it thaws.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

FIFREEZE, FITHAW = 0xC0045877, 0xC0045878


class FrozenDisk:
    """A small file system in a file, that can be frozen."""

    def __init__(self, folder: Path) -> None:
        image, self.path = folder / "image", folder / "mounted"
        self.path.mkdir()
        image.write_bytes(bytes(16 << 20))
        subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(self.path)], check=True)
        self._handle = os.open(self.path, os.O_RDONLY)
        self.frozen = False

    def freeze(self) -> None:
        fcntl.ioctl(self._handle, FIFREEZE, 0)
        self.frozen = True

    def thaw(self) -> None:
        if self.frozen:
            fcntl.ioctl(self._handle, FITHAW, 0)
        self.frozen = False

    def unmount(self) -> None:
        self.thaw()
        os.close(self._handle)
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[FrozenDisk]:
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        pytest.skip("needs root and mkfs.ext4 to make a disk that hangs")
    try:
        made = FrozenDisk(tmp_path)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no loop mounts here: {error}")
    yield made
    made.unmount()


@pytest.fixture
def slow_rig(disk, rig):
    """Return the rig with its statefile on the disk that can hang."""
    shutil.copy(rig.path, disk.path / "statefile")
    return replace(rig, path=disk.path / "statefile", hosts=rig.hosts)


def hang(rig, disk, host) -> None:
    rig.wait(lambda: host.cycle.written and host.cycle.read)
    disk.freeze()
    rig.wait(lambda: host.pump.meters().disk.running_ns > 3 * rig.timing.beat_ns)


def test_only_the_disk_thread_waits_for_a_disk_that_hangs(slow_rig, disk):
    one, two = slow_rig.members(2)
    ours, theirs = socket.socketpair()
    one.pump.watch(ours.fileno())
    hang(slow_rig, disk, one)
    before, heard_ns = one.pump.meters(), one.heard.heard_ns[1]
    slow_rig.wait(lambda: one.heard.heard_ns[1] > heard_ns + 3 * slow_rig.timing.beat_ns)
    one.pump.publish(2, slow_rig.slot_body(0, slow_rig.decision(2, [100, 101, 0]), weight=2), True)
    after = one.pump.meters()
    assert after.disk.running_ns > before.disk.running_ns
    assert after.disk_beat.beats == before.disk_beat.beats
    assert after.net_beat.beats > before.net_beat.beats
    assert after.dog_beat.beats > before.dog_beat.beats
    disk.thaw()
    slow_rig.wait(lambda: one.cycle.version == 2 and one.cycle.read)
    assert one.pump.meters().disk_beat.missed >= 3
    assert one.cycle.copies_left == 7
    slow_rig.unwatch()
    for end in (ours, theirs):
        end.close()
    assert two.hears(0)


def test_stopping_does_not_wait_for_a_disk_that_hangs(slow_rig, disk):
    (host,) = slow_rig.members(1)
    hang(slow_rig, disk, host)
    assert not host.pump.stop()
    assert not host.pump.stop()
    slow_rig.hosts.remove(host)
    disk.thaw()
    host.device.close()
    host.sockets[0].close()
