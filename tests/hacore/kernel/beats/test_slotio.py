"""Direct I/O on real files and loop devices, and what they refuse."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
from pathlib import Path

import pytest

from hacore.kernel.native import SlotBuffer, SlotDevice

BLOCK = 4096


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of 64 KiB."""
    path = tmp_path / "volume"
    path.write_bytes(bytes(16 * BLOCK))
    return path


def test_what_is_written_is_on_the_file(file: Path) -> None:
    with SlotDevice(str(file)) as device:
        device.write(b"a" * BLOCK, 2 * BLOCK)
        assert file.read_bytes() == bytes(2 * BLOCK) + b"a" * BLOCK + bytes(13 * BLOCK)
        assert device.read(2 * BLOCK, BLOCK) == bytes(BLOCK) + b"a" * BLOCK
        assert device.size_bytes == 16 * BLOCK
        assert device.path == str(file)


def test_a_buffer_that_is_used_again(file: Path) -> None:
    buffer = mmap.mmap(-1, 3 * BLOCK)
    with SlotDevice(str(file)) as device, memoryview(buffer) as view:
        device.write(b"a" * BLOCK, BLOCK)
        device.read_into(view[:-BLOCK], 0)
        assert view[: 2 * BLOCK] == bytes(BLOCK) + b"a" * BLOCK
        with pytest.raises(ValueError, match="a buffer that does not lie at a multiple of 4096"):
            device.read_into(view[8 : BLOCK + 8], 0)
        with pytest.raises(ValueError, match="100 bytes at 0: expected multiples of 4096"):
            device.read_into(view[:100], 0)
        with pytest.raises(OSError, match=str(file)):
            device.read_into(view[:], 14 * BLOCK)


@pytest.mark.parametrize(
    ("length", "lies_at"), [(BLOCK, BLOCK), (2 << 20, 2 << 20), ((2 << 20) + BLOCK, 2 << 20)]
)
def test_a_buffer_lies_as_devices_and_huge_pages_want_it(file: Path, length: int, lies_at: int) -> None:
    buffer = SlotBuffer(length)
    with memoryview(buffer) as view:
        assert ctypes.addressof(ctypes.c_char.from_buffer(buffer)) % lies_at == 0
        assert view == bytes(length)
        with SlotDevice(str(file)) as device:
            device.write(b"a" * BLOCK, BLOCK)
            device.read_into(view[:BLOCK], BLOCK)
        assert view == b"a" * BLOCK + bytes(length - BLOCK)


def test_a_buffer_has_whole_blocks() -> None:
    with pytest.raises(ValueError, match="100 bytes at 0: expected multiples of 4096"):
        SlotBuffer(100)


def test_it_passes_all_caches(file: Path) -> None:
    with SlotDevice(str(file)) as device:
        flags = fcntl.fcntl(device.fileno(), fcntl.F_GETFL)
        assert flags & os.O_DIRECT
        assert flags & os.O_DSYNC
        assert fcntl.fcntl(device.fileno(), fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        assert device.direct


@pytest.mark.parametrize(("length", "offset"), [(0, 0), (512, 0), (BLOCK, 512), (BLOCK + 1, 0)])
def test_only_whole_blocks(file: Path, length: int, offset: int) -> None:
    with SlotDevice(str(file)) as device:
        with pytest.raises(ValueError, match=f"{length} bytes at {offset}: expected multiples of 4096"):
            device.read(length, offset)
        with pytest.raises(ValueError, match=f"{length} bytes at {offset}: expected multiples of 4096"):
            device.write(bytes(length), offset)


def test_a_part_is_an_error(file: Path) -> None:
    """What ends in the middle of a read is a device that shrank: EIO, not the part that is there."""
    with SlotDevice(str(file)) as device:
        with pytest.raises(OSError, match=str(file)) as caught:
            device.read(2 * BLOCK, 15 * BLOCK)
        assert caught.value.errno == errno.EIO
        with pytest.raises(OSError, match=str(file)) as caught:
            device.read(BLOCK, 16 * BLOCK)
        assert caught.value.errno == errno.EIO


def test_errors_carry_the_system_s_number(file: Path) -> None:
    with SlotDevice(str(file), writable=False) as device, pytest.raises(OSError) as caught:  # noqa: PT011
        device.write(bytes(BLOCK), 0)
    assert (caught.value.errno, caught.value.filename) == (errno.EBADF, str(file))
    assert file.read_bytes() == bytes(16 * BLOCK)


def test_closed_twice_and_used_after(file: Path) -> None:
    device = SlotDevice(str(file))
    device.close()
    device.close()
    assert device.fileno() == -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        device.read(BLOCK, 0)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        SlotDevice(str(tmp_path / "nothing"))
    assert caught.value.filename == str(tmp_path / "nothing")


def test_only_files_and_block_devices_are_opened(tmp_path: Path) -> None:
    """Looked at first: opening a watchdog by mistake would arm it, opening a pipe would hang."""
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/null", str(tmp_path), str(tmp_path / "pipe")):
        with pytest.raises(OSError, match="No such device") as caught:
            SlotDevice(path)
        assert caught.value.errno == errno.ENODEV


def test_a_path_with_a_zero_byte_is_refused() -> None:
    with pytest.raises(ValueError, match="zero byte"):
        SlotDevice("a\0b")


def test_a_file_system_without_direct_io() -> None:
    """Refused, but for the lab."""
    with pytest.raises(OSError, match="not supported") as caught:
        SlotDevice("/proc/version", writable=False)
    assert caught.value.errno == errno.EOPNOTSUPP
    with SlotDevice("/proc/version", writable=False, lab=True) as device:
        assert not device.direct


def test_loop_devices_of_both_alignments(loop: tuple[Path, Path, int]) -> None:
    device, file, sector = loop
    with SlotDevice(str(device)) as opened:
        assert opened.logical_block_bytes == sector
        assert opened.size_bytes == 4 << 20
        assert opened.direct
        opened.write(b"s" * BLOCK, 3 * BLOCK)
        assert opened.read(2 * BLOCK, 2 * BLOCK) == bytes(BLOCK) + b"s" * BLOCK
        with file.open("rb") as below:
            below.seek(3 * BLOCK)
            assert below.read(BLOCK) == b"s" * BLOCK
        with pytest.raises(OSError, match=str(device)) as caught:
            opened.write(bytes(BLOCK), 4 << 20)
        assert caught.value.errno == errno.ENOSPC


def test_half_a_sector_is_refused_by_the_device(loop: tuple[Path, Path, int]) -> None:
    """Why everything is a multiple of 4096: where a sector is that large, 512 bytes are not taken."""
    device, _, sector = loop
    aligned = mmap.mmap(-1, BLOCK)
    with SlotDevice(str(device)) as opened, memoryview(aligned) as view, view[:512] as half:
        if sector == 512:
            assert os.preadv(opened.fileno(), [half], 512) == 512
        else:
            with pytest.raises(OSError, match="Invalid argument"):
                os.preadv(opened.fileno(), [half], 512)
    aligned.close()
