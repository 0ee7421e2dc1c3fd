"""A pool of three hosts, what one of them says, and devices to write it to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hacore.kernel import native
from hacore.records import Block, Cause, Decision, FenceCause, PacketBody, SlotBody, State

KEY = bytes(range(32))
GENERATION = bytes.fromhex("00112233445566778899aabbccddeeff")
UUIDS = [bytes([i + 0xA0]) * 16 for i in range(64)]

SLOT_BODY = SlotBody(
    incarnation=0x1111111111111111,
    state=State.MEMBER,
    armed=True,
    decided=Decision(7, 0b101, (0x1111111111111111, 0, 0x3333333333333333), 2, Cause.DEAD),
    block=Block(
        8,
        130,
        66,
        Decision(8, 0b111, (0x1111111111111111, 0x2222222222222222, 0x3333333333333333), 0, Cause.JOINED),
    ),
    row=0b101,
    storage=True,
    carrier=True,
    arbiters=2,
    weight=100,
    leader_wish=-1,
    polled=0b010,
    denied=0b010,
    confirmed=5,
    fence=FenceCause.STORAGE_LOST,
)
PACKET_BODY = PacketBody(
    incarnation=0x1111111111111111,
    state=State.MEMBER,
    epoch=7,
    row=0b111,
    storage=False,
    carrier=True,
    arbiters=1,
    weight=100,
    grants=0b110,
    polled=0b010,
    denied=0b100,
)


@dataclass(frozen=True)
class Sample:
    """A pool, and what its host 1 writes and sends."""

    pool: native.PoolIdentity
    body: bytes
    packet_body: bytes

    def block(self, host: int = 1, copy: int = 2, sequence: int = 77, burnt: int = 0) -> bytes:
        """One copy, sealed."""
        return native.seal_slot(self.pool, self.body, host, copy, sequence, burnt)

    def packet(self, sequence: int = 9, echoes: dict[int, tuple[int, int]] | None = None) -> bytes:
        """A packet of host 1, sealed."""
        told = {2: (0x3333333333333333, 1234)} if echoes is None else echoes
        return native.seal_packet(self.pool, self.packet_body, 1, sequence, 5_000_000_000, told)


def make_sample(hosts: int = 3, key: bytes = KEY, generation: bytes = GENERATION) -> Sample:
    """The sample; with more hosts the bodies name members that the table knows of."""
    members = (0,) * (hosts - 3)
    body = SLOT_BODY
    fields = {name: getattr(body, name) for name in SlotBody.__slots__}
    value = body.block.value
    assert value is not None
    fields["decided"] = _wider(body.decided, members)
    fields["block"] = Block(body.block.epoch, body.block.mbal, body.block.bal, _wider(value, members))
    pool = native.PoolIdentity(key, generation, UUIDS[:hosts])
    return Sample(
        pool, native.pack_slot_body(SlotBody(**fields)), native.pack_packet_body(PACKET_BODY, hosts)
    )


def _wider(decision: Decision, more: tuple[int, ...]) -> Decision:
    return Decision(
        decision.epoch, decision.liveset, (*decision.members, *more), decision.leader, decision.cause
    )


@pytest.fixture(scope="session")
def sample() -> Sample:
    """Three hosts."""
    return make_sample()


@pytest.fixture(scope="session")
def sampler() -> object:
    """The maker of samples, for other pools."""
    return make_sample


@pytest.fixture(scope="session")
def said() -> tuple[SlotBody, PacketBody]:
    """What the sample's host says, as records."""
    return SLOT_BODY, PACKET_BODY


@pytest.fixture(params=[512, 4096])
def loop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Path, int]]:
    """A loop device of 4 MiB with direct I/O: (device, file below, bytes a logical block)."""
    if os.geteuid() != 0:
        pytest.skip("loop devices need root")
    file = tmp_path / "volume"
    with file.open("wb") as volume:
        volume.truncate(4 << 20)
    command = ["losetup", "-f", "--show", "--direct-io=on", "--sector-size", str(request.param), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"losetup: {done.stderr.strip()}")
    device = Path(done.stdout.strip())
    yield device, file, request.param
    subprocess.run(["losetup", "-d", str(device)], check=True)
