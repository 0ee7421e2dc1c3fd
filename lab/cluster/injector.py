"""One host's way to the shared disk, with faults: `python -m lab.cluster.injector BACKING FOLDER` (FUSE).

FOLDER gets two files. `disk` is the shared disk, passed through with O_DIRECT. `mode` tells and takes the
fault (see faults.py); `forget` written to it fails what hangs without carrying it out, as a power cut does.
Never caches, never reorders what is not delayed, and never decides by itself when a fault begins or ends.
"""

from __future__ import annotations

import errno
import heapq
import mmap
import os
import select
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hacore.clock import NS_PER_SECOND, Clock, SystemClock
from lab.cluster import fuse
from lab.cluster.faults import FINE, Act, BadFaultError, Fault, parse_fault
from lab.cluster.fuse import FileNode, Op, Request

SECTOR_BYTES = 512
DIRECT_BYTES = 4096
"""O_DIRECT wants offsets, sizes and memory aligned to the sector; a page suits every device."""
DISK, MODE = 2, 3
NAMES = {"disk": DISK, "mode": MODE}
NS_PER_MS = NS_PER_SECOND // 1000


class Backing:
    """The shared disk: a file, a loop device or a block device."""

    def __init__(self, path: Path) -> None:
        self._direct = os.open(path, os.O_RDWR | os.O_DIRECT | os.O_DSYNC)
        self._plain = os.open(path, os.O_RDWR | os.O_DSYNC)
        self._buffer = mmap.mmap(-1, fuse.LARGEST_BYTES)
        self.size_bytes = os.lseek(self._plain, 0, os.SEEK_END)

    def read(self, offset: int, size_bytes: int) -> memoryview:
        """Return what the disk says; valid until the next read or write.

        Raises:
            OSError: As pread(2).
        """
        view = memoryview(self._buffer)[:size_bytes]
        return view[: os.preadv(self._door(offset, size_bytes), [view], offset)]

    def write(self, offset: int, data: bytes | memoryview) -> int:
        """Write through to the disk and return how many bytes.

        Raises:
            OSError: As pwrite(2).
        """
        view = memoryview(self._buffer)[: len(data)]
        view[:] = data
        return os.pwritev(self._door(offset, len(data)), [view], offset)

    def _door(self, offset: int, size_bytes: int) -> int:
        """People look at the disk with `od`; that need not be aligned."""
        return self._plain if (offset | size_bytes) % DIRECT_BYTES else self._direct


class Injector:
    """Answers the kernel's requests; what hangs or is late waits in here."""

    def __init__(self, fd: int, backing: Backing, clock: Clock) -> None:
        self._fd = fd
        self._backing = backing
        self._clock = clock
        self._fault = Fault()
        self._held: list[Request] = []
        self._late: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._does: dict[int, Callable[[Request], None]] = {
            Op.INIT: lambda request: self._say(request, fuse.init_out(request)),
            Op.LOOKUP: self._lookup,
            Op.GETATTR: self._attributes,
            Op.SETATTR: self._attributes,
            Op.OPEN: self._open,
            Op.OPENDIR: lambda request: self._say(request, fuse.open_out(0)),
            Op.READDIR: self._list,
            Op.READ: self._read,
            Op.WRITE: self._write,
            Op.FSYNC: self._write,
            Op.STATFS: lambda request: self._say(request, fuse.statfs_out()),
            Op.RELEASE: self._say,
            Op.RELEASEDIR: self._say,
            Op.FLUSH: self._say,
            Op.ACCESS: self._say,
        }

    def serve(self) -> None:
        """Answer until the file system is unmounted."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        while True:
            ready = poll.poll(self._patience_ms())
            self._do_late()
            if ready and not self._one():
                return

    def _one(self) -> bool:
        try:
            request = fuse.receive(self._fd)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return False
            raise
        if request is None or request.op in fuse.NO_ANSWER:
            return True
        if request.op == Op.DESTROY:
            self._say(request)
            return False
        does = self._does.get(request.op)
        if does is None:
            fuse.refuse(self._fd, request.unique, errno.ENOSYS)
        else:
            self._try(request, does)
        return True

    def _try(self, request: Request, does: Callable[[Request], None]) -> None:
        try:
            does(request)
        except OSError as error:
            fuse.refuse(self._fd, request.unique, error.errno or errno.EIO)

    def _say(self, request: Request, body: bytes | memoryview = b"") -> None:
        fuse.answer(self._fd, request.unique, body)

    # Files

    def _node(self, number: int) -> FileNode:
        if number == fuse.ROOT_NODE:
            return FileNode(number, 0, stat.S_IFDIR | 0o755)
        if number == DISK:
            if self._fault.read.what == "gone":
                raise OSError(errno.ENXIO, "gone")
            return FileNode(number, self._backing.size_bytes, stat.S_IFREG | 0o600)
        return FileNode(number, len(self._mode_text()), stat.S_IFREG | 0o600)

    def _lookup(self, request: Request) -> None:
        number = NAMES.get(fuse.name_in(request))
        if number is None or (number == DISK and self._fault.read.what == "gone"):
            raise OSError(errno.ENOENT, "no such file")
        self._say(request, fuse.entry_out(self._node(number)))

    def _attributes(self, request: Request) -> None:
        self._say(request, fuse.attributes_out(self._node(request.node)))

    def _open(self, request: Request) -> None:
        self._node(request.node)
        self._say(request, fuse.open_out(request.node))

    def _list(self, request: Request) -> None:
        offset, _, _ = fuse.io_in(request)
        entries = [
            fuse.directory_entry(number, name, place, self._node(number).mode)
            for place, (name, number) in enumerate(NAMES.items(), 1)
            if place > offset and (number == MODE or self._fault.read.what != "gone")
        ]
        self._say(request, b"".join(entries))

    # The mode

    def _mode_text(self) -> bytes:
        return f"{self._fault}\n".encode()

    def _set_mode(self, text: str) -> None:
        held, self._held = self._held, []
        if text.strip() == "forget":
            for request in held:
                fuse.refuse(self._fd, request.unique, errno.EIO)
            return
        try:
            self._fault = parse_fault(text)
        except BadFaultError as error:
            self._held = held
            raise OSError(errno.EINVAL, str(error)) from error
        for request in held:
            self._try(request, self._does[request.op])

    # The disk

    def _read(self, request: Request) -> None:
        offset, size_bytes, _ = fuse.io_in(request)
        if request.node == MODE:
            self._say(request, self._mode_text()[offset : offset + size_bytes])
            return
        self._suffer(
            request, self._fault.read, lambda: self._say(request, self._backing.read(offset, size_bytes))
        )

    def _write(self, request: Request) -> None:
        if request.op == Op.FSYNC:
            act = FINE if request.node == MODE else self._fault.write
            self._suffer(request, act, lambda: self._say(request))
            return
        offset, size_bytes, data = fuse.io_in(request)
        if request.node == MODE:
            self._set_mode(bytes(data).decode(errors="replace"))
            self._say(request, fuse.write_out(size_bytes))
            return
        act = self._fault.write
        if act.what == "torn":
            self._tear(offset, data)
        if act.what == "ghost":
            self._later(act, lambda: self._land(offset, data))
        self._suffer(
            request, act, lambda: self._say(request, fuse.write_out(self._backing.write(offset, data)))
        )

    def _suffer(self, request: Request, act: Act, do: Callable[[], None]) -> None:
        if act.what == "ok":
            do()
        elif act.what == "hang":
            self._held.append(request)
        elif act.what == "delay":
            self._later(act, lambda: self._try(request, lambda _: do()))
        else:
            raise OSError(errno.EIO, act.what)

    def _tear(self, offset: int, data: memoryview) -> None:
        """Let the first sectors land, one more than last time, never all of them."""
        sectors = max(1, len(data) // SECTOR_BYTES)
        self._count += 1
        torn_bytes = self._count % sectors * SECTOR_BYTES
        old = bytes(self._backing.read(offset, len(data)))
        self._backing.write(offset, bytes(data[:torn_bytes]) + old[torn_bytes:])

    def _land(self, offset: int, data: memoryview) -> None:
        try:
            self._backing.write(offset, data)
        except OSError as error:
            sys.stderr.write(f"a ghost did not land: {error}\n")

    # What is late

    def _later(self, act: Act, do: Callable[[], None]) -> None:
        self._count += 1
        at_ns = self._clock.monotonic_ns() + act.delay_ms * NS_PER_MS
        heapq.heappush(self._late, (at_ns, self._count, do))

    def _do_late(self) -> None:
        while self._late and self._late[0][0] <= self._clock.monotonic_ns():
            heapq.heappop(self._late)[2]()

    def _patience_ms(self) -> int | None:
        if not self._late:
            return None
        left_ns = self._late[0][0] - self._clock.monotonic_ns()
        return max(0, -(-left_ns // NS_PER_MS))


def main(arguments: Sequence[str]) -> int:
    """Mount and serve; prints `ready` once the files are there."""
    backing, folder = Path(arguments[0]), Path(arguments[1])
    disk = Backing(backing)
    fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    fuse.mount(fd, folder, "xenha-injector")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    Injector(fd, disk, SystemClock()).serve()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
