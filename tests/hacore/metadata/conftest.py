"""A disk in memory that a test may cut, tear and fail."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

BLOCK = 4096
HALF = 16 * BLOCK


@dataclass
class Disk:
    """Keeps what was written."""

    content: bytearray
    path: str = "metadata"
    writes: list[tuple[int, bytes]] = field(default_factory=list)
    spoil: Callable[[int, bytes], list[tuple[int, bytes]] | None] | None = None
    """Gets offset and data; None: all is well, else what lands of it before the write fails."""

    @property
    def size_bytes(self) -> int:
        return len(self.content)

    def read(self, length: int, offset: int) -> bytes:
        assert length > 0
        assert length % BLOCK == offset % BLOCK == 0
        assert offset + length <= len(self.content)
        return bytes(self.content[offset : offset + length])

    def write(self, data: bytes, offset: int) -> None:
        assert len(data) % BLOCK == offset % BLOCK == 0
        assert offset + len(data) <= len(self.content)
        landed = self.spoil(offset, data) if self.spoil else None
        self.writes.append((offset, data))
        if landed is None:
            self.content[offset : offset + len(data)] = data
            return
        for at, part in landed:
            self.content[at : at + len(part)] = part
        raise OSError(errno.EIO, "the disk failed")

    def copy(self) -> Disk:
        return Disk(bytearray(self.content))


@pytest.fixture(scope="session")
def make_disk() -> Callable[..., Disk]:
    """A disk of two small halves that held something else before."""
    return lambda size=2 * HALF, before=0xA5: Disk(bytearray([before]) * size)


@pytest.fixture
def disk(make_disk: Callable[..., Disk]) -> Disk:
    return make_disk()
