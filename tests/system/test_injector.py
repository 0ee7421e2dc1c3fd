"""The fault injector with the real kernel: O_DIRECT reads and writes through each fault."""

from __future__ import annotations

import errno
import mmap
import os
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.cluster.making import inject

BLOCK = 4096
SIZE = 1 << 20
PATIENCE_SECONDS = 60.0


class Disk:
    """The disk as a host sees it, and as it is."""

    def __init__(self, folder: Path, backing: Path) -> None:
        self.folder = folder
        self.backing = backing
        self.fd = os.open(folder / "disk", os.O_RDWR | os.O_DIRECT | os.O_DSYNC)

    def fault(self, text: str) -> None:
        (self.folder / "mode").write_text(f"{text}\n")

    def write(self, block: int, letter: bytes) -> None:
        assert os.pwrite(self.fd, aligned(letter * BLOCK), block * BLOCK) == BLOCK

    def read(self, block: int, blocks: int = 1) -> bytes:
        buffer = mmap.mmap(-1, blocks * BLOCK)
        assert os.preadv(self.fd, [buffer], block * BLOCK) == blocks * BLOCK
        return bytes(buffer)

    def landed(self, block: int) -> bytes:
        """What is really there."""
        return self.backing.read_bytes()[block * BLOCK : (block + 1) * BLOCK]


def aligned(data: bytes) -> mmap.mmap:
    buffer = mmap.mmap(-1, len(data))
    buffer.write(data)
    return buffer


@pytest.fixture
def disk(tmp_path, undo):
    backing, folder = tmp_path / "backing", tmp_path / "mount"
    backing.write_bytes(bytes(SIZE))
    folder.mkdir()
    with inject(backing, folder, undo):
        made = Disk(folder, backing)
        yield made
        made.fault("ok")
        os.close(made.fd)
        undo.now()


@contextmanager
def beside(work):
    """Run something that may hang in a thread, and wait for its end at the end."""
    outcome: list[object] = []
    done = threading.Event()

    def run() -> None:
        try:
            outcome.append(work())
        except OSError as error:
            outcome.append(error.errno)
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    yield outcome, done
    assert done.wait(PATIENCE_SECONDS)
    thread.join()


def test_what_is_written_is_there_and_what_is_there_is_read(disk):
    disk.write(3, b"a")
    assert disk.landed(3) == b"a" * BLOCK
    assert disk.read(2, 3) == bytes(BLOCK) + b"a" * BLOCK + bytes(BLOCK)
    assert os.stat(disk.folder / "disk").st_size == SIZE
    assert sorted(os.listdir(disk.folder)) == ["disk", "mode"]


def test_a_read_larger_than_one_request_is_whole(disk):
    for block in range(0, SIZE // BLOCK, 7):
        disk.write(block, bytes([65 + block % 26]))
    assert disk.read(0, SIZE // BLOCK) == disk.backing.read_bytes()


def test_a_reader_without_alignment_may_look(disk):
    disk.write(0, b"x")
    with (disk.folder / "disk").open("rb") as file:
        file.seek(BLOCK - 3)
        assert file.read(5) == b"xxx\0\0"


def test_the_mode_is_told_and_bad_ones_are_refused(disk):
    disk.fault("write=ghost:20")
    assert (disk.folder / "mode").read_text() == "read=ok write=ghost:20\n"
    with pytest.raises(OSError, match="Invalid argument"):
        disk.fault("broken")
    assert (disk.folder / "mode").read_text() == "read=ok write=ghost:20\n"


@pytest.mark.parametrize(
    ("fault", "reads", "writes"),
    [("eio", False, False), ("read=eio", False, True), ("write=eio", True, False)],
)
def test_errors(disk, fault, reads, writes):
    disk.write(0, b"a")
    disk.fault(fault)
    for works, do in ((reads, lambda: disk.read(0)), (writes, lambda: disk.write(0, b"b"))):
        if works:
            do()
        else:
            with pytest.raises(OSError, match="Input/output error"):
                do()
    assert disk.landed(0)[:1] == (b"b" if writes else b"a")
    disk.fault("ok")
    disk.write(0, b"c")
    assert disk.read(0)[:1] == b"c"


def test_what_hangs_is_carried_out_when_the_fault_is_over(disk):
    disk.fault("hang")
    with beside(lambda: disk.write(1, b"h")) as (_, done):
        assert not done.wait(0.2)
        assert disk.landed(1) == bytes(BLOCK)
        disk.fault("ok")
    assert disk.landed(1) == b"h" * BLOCK


def test_reads_go_on_beside_a_write_that_hangs(disk):
    disk.fault("write=hang")
    with beside(lambda: disk.write(1, b"h")) as (outcome, done):
        assert disk.read(0) == bytes(BLOCK)
        assert not done.is_set()
        disk.fault("forget")
    assert outcome == [errno.EIO]
    assert disk.landed(1) == bytes(BLOCK), "what is forgotten never lands"


def test_what_is_late_is_done(disk):
    disk.fault("delay:50")
    disk.write(1, b"d")
    assert disk.read(1) == b"d" * BLOCK


def test_a_torn_write_fails_and_leaves_some_sectors(disk):
    disk.write(0, b"o")
    disk.fault("write=torn")
    seen = set()
    for _ in range(8):
        with pytest.raises(OSError, match="Input/output error"):
            disk.write(0, b"n")
        landed = disk.landed(0)
        new = landed.count(b"n")
        assert landed == b"n" * new + b"o" * (BLOCK - new)
        assert new < BLOCK
        seen.add(new)
        disk.fault("ok")
        disk.write(0, b"o")
        disk.fault("write=torn")
    assert seen == set(range(0, BLOCK, 512))


def test_a_ghost_fails_and_lands_later(disk):
    disk.fault("write=ghost:100")
    with pytest.raises(OSError, match="Input/output error"):
        disk.write(2, b"g")
    disk.fault("ok")
    pause = threading.Event()
    assert any(disk.read(2) == b"g" * BLOCK or pause.wait(0.01) for _ in range(int(PATIENCE_SECONDS * 100)))


def test_a_device_that_is_gone_comes_back(disk):
    disk.fault("gone")
    with pytest.raises(FileNotFoundError):
        os.open(disk.folder / "disk", os.O_RDWR)
    with pytest.raises(OSError, match="Input/output error"):
        disk.read(0)
    disk.fault("ok")
    os.close(os.open(disk.folder / "disk", os.O_RDWR | os.O_DIRECT))
    disk.write(0, b"b")
