"""A disk in memory that a test may cut, tear and fail."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hacore.metadata import METADATA_BYTES

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


@pytest.fixture(params=[512, 4096])
def loop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A block device over a file, with this logical block; needs root and the loop driver."""
    file = tmp_path / "image"
    with file.open("wb") as image:
        image.truncate(METADATA_BYTES)
    command = ["losetup", "-f", "--show", "--direct-io=on", "--sector-size", str(request.param), str(file)]
    if shutil.which("losetup") is None or os.getuid() != 0:
        pytest.skip("loop devices need losetup and root")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"losetup: {done.stderr.strip()}")
    device = Path(done.stdout.strip())
    yield device
    subprocess.run(["losetup", "-d", str(device)], check=True)
