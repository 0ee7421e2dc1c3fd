"""The kernel's side of FUSE in as few bytes as one file needs. Decides nothing about faults.

The protocol of /dev/fuse (Linux `include/uapi/linux/fuse.h`, version 7.31): a request is a header and a body
in one read, an answer is a header and a body in one write. No library stands between the kernel and the
fault injector, so a request can be kept unanswered for as long as one likes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class Op(IntEnum):
    """The requests that are understood; others are answered with ENOSYS."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    SETATTR = 4
    OPEN = 14
    READ = 15
    WRITE = 16
    STATFS = 17
    RELEASE = 18
    FSYNC = 20
    FLUSH = 25
    INIT = 26
    OPENDIR = 27
    READDIR = 28
    RELEASEDIR = 29
    ACCESS = 34
    INTERRUPT = 36
    DESTROY = 38
    BATCH_FORGET = 42


NO_ANSWER = frozenset({Op.FORGET, Op.BATCH_FORGET, Op.INTERRUPT})
ROOT_NODE = 1
MAJOR, MINOR = 7, 31
LARGEST_BYTES = 1 << 20
"""Of one read or write; the bulk read of all slots of 64 hosts is twice that."""
LARGEST_PAGES = LARGEST_BYTES // 4096
REQUEST_BYTES = LARGEST_BYTES + 4096

FUSE_ASYNC_READ = 1 << 0
FUSE_BIG_WRITES = 1 << 5
FUSE_ASYNC_DIO = 1 << 15
FUSE_MAX_PAGES = 1 << 22
WANTED = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ASYNC_DIO | FUSE_MAX_PAGES
FOPEN_DIRECT_IO = 1 << 0
FOPEN_PARALLEL_DIRECT_WRITES = 1 << 6

_IN_HEADER = struct.Struct("<IIQQIIIHH")
_OUT_HEADER = struct.Struct("<IiQ")
_INIT_IN = struct.Struct("<IIII")
_INIT_OUT = struct.Struct("<IIIIHHIIHHI7I")
_ATTRIBUTES = struct.Struct("<6Q10I")
_ENTRY = struct.Struct("<QQQQII")
_ATTRIBUTES_HEAD = struct.Struct("<QII")
_OPEN_OUT = struct.Struct("<QII")
_IO_IN = struct.Struct("<QQIIQII")
_WRITE_OUT = struct.Struct("<II")
_STATFS_OUT = struct.Struct("<5Q4I6I")
_DIRECTORY_ENTRY = struct.Struct("<QQII")
_INTERRUPT_IN = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Request:
    """One question of the kernel."""

    op: int
    unique: int
    node: int
    pid: int  # of the thread that waits
    body: memoryview


@dataclass(frozen=True, slots=True)
class FileNode:
    """A file as the kernel sees it."""

    node: int
    size_bytes: int
    mode: int


def receive(fd: int) -> Request | None:
    """Read the next request; None: there is none, or it was taken back.

    Raises:
        OSError: ENODEV once the file system was unmounted.
    """
    try:
        raw = memoryview(os.read(fd, REQUEST_BYTES))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EAGAIN, errno.EINTR):
            return None
        raise
    _, op, unique, node, _, _, pid, _, _ = _IN_HEADER.unpack_from(raw)
    return Request(op, unique, node, pid, raw[_IN_HEADER.size :])


def answer(fd: int, unique: int, body: bytes | memoryview = b"") -> None:
    """Answer a request with success."""
    _send(fd, _OUT_HEADER.pack(_OUT_HEADER.size + len(body), 0, unique), body)


def refuse(fd: int, unique: int, error: int) -> None:
    """Answer a request with an errno."""
    _send(fd, _OUT_HEADER.pack(_OUT_HEADER.size, -error, unique), b"")


def _send(fd: int, head: bytes, body: bytes | memoryview) -> None:
    try:
        os.writev(fd, (head, body))
    except OSError as error:
        # Whoever waited has been killed, or the file system is gone: nobody wants the answer.
        if error.errno not in (errno.ENOENT, errno.ENODEV):
            raise


def init_out(request: Request) -> bytes:
    """Return the answer to INIT: the version both speak and the sizes."""
    _, _, readahead, offered = _INIT_IN.unpack_from(request.body)
    return _INIT_OUT.pack(
        MAJOR, MINOR, readahead, offered & WANTED, 64, 48, LARGEST_BYTES, 1, LARGEST_PAGES, 0, 0, *(0,) * 7
    )


def _attributes(of: FileNode) -> bytes:
    links = 2 if stat.S_ISDIR(of.mode) else 1
    blocks = -(-of.size_bytes // 512)
    return _ATTRIBUTES.pack(
        of.node,
        of.size_bytes,
        blocks,
        0,
        0,
        0,
        0,
        0,
        0,
        of.mode,
        links,
        os.geteuid(),
        os.getegid(),
        0,
        4096,
        0,
    )


def entry_out(of: FileNode) -> bytes:
    """Return the answer to LOOKUP; the kernel keeps nothing of it."""
    return _ENTRY.pack(of.node, 0, 0, 0, 0, 0) + _attributes(of)


def attributes_out(of: FileNode) -> bytes:
    """Return the answer to GETATTR; the kernel keeps nothing of it."""
    return _ATTRIBUTES_HEAD.pack(0, 0, 0) + _attributes(of)


def open_out(handle: int) -> bytes:
    """Return the answer to OPEN: no page cache, writes side by side."""
    return _OPEN_OUT.pack(handle, FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES, 0)


def write_out(written_bytes: int) -> bytes:
    """Return the answer to WRITE."""
    return _WRITE_OUT.pack(written_bytes, 0)


def statfs_out() -> bytes:
    """Return the answer to STATFS: a file system without room."""
    return _STATFS_OUT.pack(0, 0, 0, 3, 0, 4096, 255, 4096, 0, *(0,) * 6)


def directory_entry(node: int, name: str, next_offset: int, mode: int) -> bytes:
    """Return one name of a READDIR answer, padded to 8 bytes."""
    raw = name.encode()
    head = _DIRECTORY_ENTRY.pack(node, next_offset, len(raw), stat.S_IFMT(mode) >> 12)
    return head + raw + bytes(-len(raw) % 8)


def io_in(request: Request) -> tuple[int, int, memoryview]:
    """Return (offset, size, data) of a READ or WRITE; a READ has no data."""
    _, offset, size, *_ = _IO_IN.unpack_from(request.body)
    return offset, size, request.body[_IO_IN.size :]


def interrupted(request: Request) -> int:
    """Return which request an INTERRUPT speaks of."""
    (unique,) = _INTERRUPT_IN.unpack_from(request.body)
    return int(unique)


def name_in(request: Request) -> str:
    """Return the name a LOOKUP asks for."""
    return bytes(request.body).rstrip(b"\0").decode(errors="replace")


_libc = ctypes.CDLL(None, use_errno=True)
MS_NOSUID, MS_NODEV = 2, 4
MNT_DETACH = 2


def mount(fd: int, where: Path, name: str) -> None:
    """Mount what is served on `fd`, an open /dev/fuse; needs root.

    Raises:
        OSError: As mount(2).
    """
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other,max_read={LARGEST_BYTES}"
    done = _libc.mount(name.encode(), bytes(where), b"fuse", MS_NOSUID | MS_NODEV, options.encode())
    if done != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(where))


def unmount(where: Path) -> bool:
    """Unmount at once, open files or not; tell whether anything was mounted."""
    return bool(_libc.umount2(bytes(where), MNT_DETACH) == 0)
