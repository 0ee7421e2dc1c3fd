"""The metadata volume: what was appended is read, wherever a write was torn; one leader writes."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hacore.errors import MetadataError, MetadataFull, StaleWriter
from hacore.kernel.native import SlotDevice
from hacore.metadata import METADATA_BYTES, PLAN, SNAPSHOT, MetadataVolume, Record, format_metadata
from hacore.statefile import uuid_text

KEY = bytes(range(32))
BLOCK = 4096
HALF = 16 * BLOCK
POOL = uuid_text(bytes([7]) * 16)
OTHER_POOL = uuid_text(bytes([8]) * 16)


def drawing() -> Callable[[int], bytes]:
    """Tags that are new each time and the same in each run."""
    numbers = itertools.count(1)
    return lambda length: next(numbers).to_bytes(length, "little")


def formatted(disk: Any, draw: Callable[[int], bytes]) -> Any:
    format_metadata(disk, KEY, POOL, half_bytes=HALF, draw=draw)
    return disk


def opened(
    disk: Any, draw: Callable[[int], bytes] | None = None, writer: int | None = None
) -> MetadataVolume:
    return MetadataVolume.open(disk, KEY, POOL, writer=writer, half_bytes=HALF, draw=draw or os.urandom)


def told(volume: MetadataVolume) -> dict[int, bytes]:
    return {record.kind: record.payload for record in volume.latest()}


@pytest.fixture
def draw() -> Callable[[int], bytes]:
    return drawing()


@pytest.fixture
def volume(disk, draw) -> MetadataVolume:
    return opened(formatted(disk, draw), draw, writer=3)


# --- what is written is read ------------------------------------------------------------------------------


def test_a_new_volume_is_empty(volume: MetadataVolume) -> None:
    assert volume.latest() == ()


def test_the_newest_of_each_kind_is_read(volume: MetadataVolume, disk) -> None:
    volume.append(SNAPSHOT, 4, b"old")
    volume.append(PLAN, 4, b"plan")
    last = volume.append(SNAPSHOT, 5, b"new")
    assert last == Record(SNAPSHOT, 5, 3, 3, b"new")
    assert opened(disk).latest() == volume.latest() == (last, Record(PLAN, 4, 3, 2, b"plan"))


@pytest.mark.parametrize("length", [0, 1, 3967, 3968, 3969, 8064, 8065, 5 * BLOCK])
def test_payloads_of_every_length(volume: MetadataVolume, disk, length: int) -> None:
    payload = Random(length).randbytes(length)
    volume.append(SNAPSHOT, 1, payload)
    assert told(opened(disk)) == {SNAPSHOT: payload}


def test_a_kind_nobody_knows_is_kept(volume: MetadataVolume, disk) -> None:
    volume.append(77, 1, b"of a newer leader")
    for i in range(40):
        volume.append(PLAN, 1, bytes([i]))
    assert told(opened(disk)) == {77: b"of a newer leader", PLAN: bytes([39])}


def test_a_full_half_is_left_for_the_other(volume: MetadataVolume, disk) -> None:
    """Many times around: both halves are used, and nothing of the rounds before comes back."""
    for i in range(200):
        volume.append(1 + i % 3, 1 + i // 50, i.to_bytes(2, "little") * 900)
        assert told(opened(disk))[1 + i % 3] == i.to_bytes(2, "little") * 900
    heads = {offset for offset, _ in disk.writes if offset % HALF == 0}
    assert heads == {0, HALF}


def test_what_does_not_fit_is_refused_and_changes_nothing(volume: MetadataVolume, disk) -> None:
    volume.append(SNAPSHOT, 1, b"s" * 7 * BLOCK)
    with pytest.raises(MetadataFull, match="the newest records take 69632 bytes; half of it has 65536"):
        volume.append(PLAN, 1, b"p" * 7 * BLOCK)
    assert told(opened(disk)) == {SNAPSHOT: b"s" * 7 * BLOCK}
    volume.append(PLAN, 1, b"shorter")
    assert told(opened(disk))[PLAN] == b"shorter"


def test_a_record_that_replaces_its_kind_needs_no_room_for_both(volume: MetadataVolume, disk) -> None:
    for letter in (b"a", b"b", b"c"):
        volume.append(SNAPSHOT, 1, letter * 10 * BLOCK)
    assert told(opened(disk)) == {SNAPSHOT: b"c" * 10 * BLOCK}


# --- whose it is ------------------------------------------------------------------------------------------


def test_another_key_another_pool_and_nothing_at_all_are_refused(disk, make_disk, draw) -> None:
    formatted(disk, draw)
    blank = make_disk()
    blank.content[:] = bytes(len(blank.content))
    for device, key, pool, reason in (
        (disk, bytes(32), POOL, "first half: forged, or sealed with another key; second half: blank"),
        (disk, KEY, OTHER_POOL, "first half: of another pool"),
        (make_disk(), KEY, POOL, "first half: not written by xenhad"),
        (blank, KEY, POOL, "first half: blank: nothing was ever written here; second half: blank"),
    ):
        with pytest.raises(MetadataError, match=f"^metadata: no metadata volume of this pool: {reason}"):
            MetadataVolume.open(device, key, pool, half_bytes=HALF)


def test_a_volume_of_other_halves_is_refused(disk, draw) -> None:
    formatted(disk, draw)
    with pytest.raises(MetadataError, match="first half: authentic, but says what no host can mean"):
        MetadataVolume.open(disk, KEY, POOL, half_bytes=HALF // 2)


def test_a_volume_that_is_too_small_is_refused(make_disk) -> None:
    small = make_disk(2 * HALF - BLOCK)
    with pytest.raises(MetadataError, match=r"has 126976 bytes; expected at least 131072 bytes"):
        format_metadata(small, KEY, POOL, half_bytes=HALF)
    with pytest.raises(MetadataError, match="expected at least 131072"):
        opened(small)


def test_formatting_anew_forgets_everything(volume: MetadataVolume, disk, draw) -> None:
    for i in range(30):
        volume.append(SNAPSHOT, 9, bytes([i]))
    formatted(disk, draw)
    assert opened(disk).latest() == ()
    opened(disk, draw, writer=0).append(PLAN, 1, b"fresh")
    assert told(opened(disk)) == {PLAN: b"fresh"}


# --- who may write ----------------------------------------------------------------------------------------


def test_a_new_leader_goes_on_and_the_old_one_gives_way(volume: MetadataVolume, disk, draw) -> None:
    volume.append(SNAPSHOT, 5, b"of the old leader")
    successor = opened(disk, draw, writer=1)
    successor.append(PLAN, 6, b"of the new one")
    with pytest.raises(StaleWriter, match=r"^metadata: epoch 5 is over: host 1 has written in epoch 6$"):
        volume.append(SNAPSHOT, 5, b"too late")
    assert told(opened(disk)) == {SNAPSHOT: b"of the old leader", PLAN: b"of the new one"}
    assert [record.sequence for record in opened(disk).latest()] == [1, 2]


def test_two_leaders_never_write_to_the_same_place(volume: MetadataVolume, disk, draw) -> None:
    """The old one has looked and not yet written when the new one writes: nothing of the new one is lost."""
    volume.append(SNAPSHOT, 5, b"old")
    late = disk.copy()
    late.writes.clear()
    slow = opened(late, draw, writer=3)
    slow._mine = volume._mine  # the same process, which has looked already
    slow.append(SNAPSHOT, 5, b"late")
    opened(disk, draw, writer=1).append(SNAPSHOT, 6, b"new")
    for offset, data in late.writes:  # and now its write lands
        disk.content[offset : offset + len(data)] = data
    assert told(opened(disk)) == {SNAPSHOT: b"new"}


def test_a_writer_that_opened_before_its_predecessor_ended_takes_over_all(disk, draw) -> None:
    first = opened(formatted(disk, draw), draw, writer=0)
    second = opened(disk, draw, writer=1)
    first.append(SNAPSHOT, 1, b"late, but in its own epoch")
    second.append(PLAN, 2, b"plan")
    assert told(opened(disk)) == {SNAPSHOT: b"late, but in its own epoch", PLAN: b"plan"}


def test_an_epoch_has_one_leader(volume: MetadataVolume, disk, draw) -> None:
    volume.append(SNAPSHOT, 5, b"mine")
    volume.append(SNAPSHOT, 6, b"mine")
    with pytest.raises(StaleWriter, match="host 3 has written in epoch 6"):
        opened(disk, draw, writer=1).append(SNAPSHOT, 6, b"not mine")
    opened(disk, draw, writer=3).append(SNAPSHOT, 6, b"mine, after a restart")
    with pytest.raises(StaleWriter):
        volume.append(SNAPSHOT, 5, b"an epoch back")
    assert told(opened(disk)) == {SNAPSHOT: b"mine, after a restart"}


# --- torn writes ------------------------------------------------------------------------------------------


LARGE = tuple(100 + 1_100 * i for i in range(12))
SHORT = (0, 20, 30_000, 60, 3_990, 30_000, 90, 20_000, 150)
"""Sizes of the payloads of a story; either goes round both halves."""


def payload_of(number: int, size: int) -> bytes:
    """What a record of a story holds: mostly zeros, as an empty disk: few bytes are new."""
    return bytes(max(0, size - 50)) + Random(number).randbytes(min(size, 50))


def story(volume: MetadataVolume, sizes: Sequence[int]) -> Iterator[dict[int, bytes]]:
    """Append, flip, append; yield what holds after each."""
    holds: dict[int, bytes] = {}
    yield dict(holds)
    for i, size in enumerate(sizes):
        kind, payload = 1 + i % 2, payload_of(i, size)
        volume.append(kind, 2, payload)
        holds[kind] = payload
        yield dict(holds)


def recorded(
    disk: Any, sizes: Sequence[int]
) -> tuple[list[tuple[int, bytes]], list[int], list[dict[int, bytes]]]:
    """The writes of the story, after how many of them each state holds, and the states."""
    draw = drawing()
    volume = opened(formatted(disk, draw), draw, writer=3)
    disk.writes.clear()
    ends, states = [], []
    for state in story(volume, sizes):
        ends.append(len(disk.writes))
        states.append(state)
    return list(disk.writes), ends, states


def allowed(states: list[dict[int, bytes]], ends: list[int], write: int) -> list[dict[int, bytes]]:
    """What may be read while this write is under way: what held before, or what will hold."""
    before = max(i for i, end in enumerate(ends) if end <= write)
    return [states[before], states[min(before + 1, len(states) - 1)]]


def every_story_write(
    make_disk: Any, sizes: Sequence[int] = LARGE
) -> Iterator[tuple[bytearray, int, bytes, list[dict[int, bytes]]]]:
    writes, ends, states = recorded(make_disk(before=0), sizes)
    assert {offset // HALF for offset, _ in writes} == {0, 1}, "the story must flip"
    disk = formatted(make_disk(before=0), drawing())
    for number, (offset, data) in enumerate(writes):
        yield disk.content, offset, data, allowed(states, ends, number)
        disk.content[offset : offset + len(data)] = data


def test_a_write_cut_at_any_byte_leaves_old_or_new(make_disk) -> None:
    for content, offset, data, may_be in every_story_write(make_disk, SHORT):
        disk = make_disk()
        disk.content[:] = content
        for cut, byte in enumerate(data):
            if disk.content[offset + cut] != byte:  # else nothing has changed since the last look
                disk.content[offset + cut] = byte
                assert told(opened(disk)) in may_be, (offset, cut)


def test_a_write_torn_in_sectors_of_any_order_leaves_old_or_new(make_disk) -> None:
    for content, offset, data, may_be in every_story_write(make_disk):
        random = Random(offset)
        for _ in range(20):
            disk = make_disk()
            disk.content[:] = content
            sectors = list(range(0, len(data), 512))
            random.shuffle(sectors)
            for at in sectors[: random.randrange(len(sectors) + 1)]:
                disk.content[offset + at : offset + at + 512] = data[at : at + 512]
            assert told(opened(disk)) in may_be, (offset, sectors)


def test_a_successor_goes_on_after_a_torn_write(make_disk) -> None:
    for content, offset, data, may_be in every_story_write(make_disk):
        for cut in (0, 1, 64, 600, len(data) - 1):
            disk = make_disk()
            disk.content[:] = content
            disk.content[offset : offset + cut] = data[:cut]
            found = told(opened(disk))
            assert found in may_be
            opened(disk, writer=1).append(99, 3, b"successor")
            assert told(opened(disk)) == {**found, 99: b"successor"}


def test_a_half_that_lost_what_it_began_with_does_not_count(volume: MetadataVolume, disk, draw) -> None:
    volume.append(SNAPSHOT, 1, b"first")
    opened(disk, draw, writer=1).append(PLAN, 2, b"second")
    assert told(opened(disk)) == {SNAPSHOT: b"first", PLAN: b"second"}
    offset, _ = disk.writes[-3]  # the first record that the second leader took along; its head came last
    disk.content[offset + 200] ^= 1
    disk.content[offset + 50] ^= 1
    assert told(opened(disk)) == {SNAPSHOT: b"first"}
    opened(disk, draw, writer=2).append(PLAN, 3, b"third")
    assert told(opened(disk)) == {SNAPSHOT: b"first", PLAN: b"third"}


def test_garbage_is_never_read(make_disk) -> None:
    """Any bytes anywhere: what is read was once written."""
    writes, _, states = recorded(make_disk(), LARGE)
    disk = make_disk()
    known = {(kind, payload) for state in states for kind, payload in state.items()}
    random = Random(5)
    for offset, data in writes:
        disk.content[offset : offset + len(data)] = data
    for _ in range(300):
        spoiled = disk.copy()
        for _ in range(random.randrange(1, 4)):
            at = random.randrange(len(spoiled.content) - 600)
            spoiled.content[at : at + random.randrange(1, 600)] = random.randbytes(random.randrange(1, 600))
            spoiled.content = spoiled.content[: 2 * HALF].ljust(2 * HALF, b"\0")
        try:
            found = told(opened(spoiled))
        except MetadataError:
            continue
        assert known >= found.items()


# --- failing writes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("landed", ["nothing", "a part", "all"])
@pytest.mark.parametrize("failing", range(12))
def test_a_failed_write_is_repeated_at_its_place_first(disk, draw, failing: int, landed: str) -> None:
    """Whichever write fails: it is repeated byte by byte, so that it may land at any time later."""
    volume = opened(formatted(disk, draw), draw, writer=3)
    disk.writes.clear()
    failed: list[tuple[int, bytes]] = []

    def spoil(offset: int, data: bytes) -> list[tuple[int, bytes]] | None:
        if len(disk.writes) != failing:
            return None
        failed.append((offset, data))
        return {"nothing": [], "a part": [(offset, data[: len(data) // 2])], "all": [(offset, data)]}[landed]

    disk.spoil = spoil
    holds: dict[int, bytes] = {}
    for i in range(10):
        kind, payload = 1 + i % 2, bytes([i]) * (1_500 * i)
        try:
            volume.append(kind, 2, payload)
        except OSError:
            assert told(opened(disk)) in (holds, {**holds, kind: payload})
            volume.append(kind, 2, payload)
        holds[kind] = payload
        assert told(opened(disk)) == holds
    ((offset, data),) = failed
    assert sum(write == (offset, data) for write in disk.writes) == 2
    after = disk.copy()
    if disk.writes[-1][0] // HALF == offset // HALF and not _written_since(disk.writes, failing + 1, offset):
        after.content[offset : offset + len(data)] = data
    assert told(opened(after)) == holds, "the failed write lands at last"


def _written_since(writes: list[tuple[int, bytes]], first: int, offset: int) -> bool:
    """Whether another use of the half has begun since: then the place may hold something else by right."""
    return any(at % HALF == 0 and at // HALF == offset // HALF for at, _ in writes[first + 1 :])


def test_an_outage_of_any_length_is_borne(volume: MetadataVolume, disk) -> None:
    volume.append(SNAPSHOT, 1, b"before")
    disk.spoil = lambda _offset, _data: []
    for _ in range(50):
        with pytest.raises(OSError, match="the disk failed"):
            volume.append(SNAPSHOT, 1, b"meanwhile")
    disk.spoil = None
    volume.append(SNAPSHOT, 1, b"after")
    assert told(opened(disk)) == {SNAPSHOT: b"after"}


def test_a_failed_write_is_not_repeated_over_a_successor_s(volume: MetadataVolume, disk, draw) -> None:
    volume.append(SNAPSHOT, 1, b"old")
    disk.spoil = lambda _offset, _data: []
    with pytest.raises(OSError, match="the disk failed"):
        volume.append(SNAPSHOT, 1, b"lost")
    disk.spoil = None
    opened(disk, draw, writer=1).append(SNAPSHOT, 2, b"new")
    before = bytes(disk.content)
    for _ in range(2):
        with pytest.raises(StaleWriter):
            volume.append(SNAPSHOT, 1, b"again")
    assert bytes(disk.content) == before


# --- against a plain model --------------------------------------------------------------------------------

STEP = st.tuples(
    st.sampled_from(["append", "restart", "succeed", "tear", "fail"]),
    st.integers(1, 3),
    st.integers(0, 9_000),
    st.integers(0, 1 << 20),
)


@given(st.lists(STEP, max_size=40))
def test_any_sequence_gives_what_a_plain_model_gives(
    make_disk, steps: list[tuple[str, int, int, int]]
) -> None:
    draw = drawing()
    disk = formatted(make_disk(), draw)
    writer, epoch, model = 0, 1, dict[int, bytes]()
    volume = opened(disk, draw, writer)
    for number, (action, kind, length, where) in enumerate(steps):
        payload = number.to_bytes(2, "little") + bytes([kind]) * length
        if action == "succeed":
            writer, epoch = writer + 1, epoch + 1
        if action in ("restart", "succeed"):
            volume = opened(disk, draw, writer)
            continue
        cuts = itertools.count()
        if action in ("tear", "fail"):
            disk.spoil = lambda at, data, cuts=cuts, where=where: (
                [(at, data[: where % (len(data) + 1)])] if next(cuts) == where % 3 else None
            )
        try:
            volume.append(kind, epoch, payload)
            model[kind] = payload
        except OSError:
            found = told(opened(disk))
            assert found in (model, {**model, kind: payload})
            if action == "tear":  # the writer dies with it
                volume, model = opened(disk, draw, writer), found
            else:  # the writer lives, and will repeat it before all else
                disk.spoil = None
                volume.append(9, epoch, b"on")
                model = {**model, kind: payload, 9: b"on"}
        disk.spoil = None
        assert told(opened(disk)) == model


# --- on real devices --------------------------------------------------------------------------------------


def test_on_a_file_with_direct_io(tmp_path: Path) -> None:
    path = tmp_path / "metadata"
    with path.open("wb") as file:
        file.truncate(METADATA_BYTES)
    with SlotDevice(str(path), lab=True) as device:
        format_metadata(device, KEY, POOL)
        volume = MetadataVolume.open(device, KEY, POOL, writer=2)
        volume.append(SNAPSHOT, 1, b"s" * 1_000_000)
        volume.append(PLAN, 1, b"p" * 10)
    with SlotDevice(str(path), writable=False, lab=True) as device:
        found = MetadataVolume.open(device, KEY, POOL).latest()
    assert [(record.kind, len(record.payload), record.writer) for record in found] == [
        (SNAPSHOT, 1_000_000, 2),
        (PLAN, 10, 2),
    ]


def test_on_a_block_device_of_either_sector_size(loop: Path) -> None:
    with SlotDevice(str(loop)) as device:
        format_metadata(device, KEY, POOL)
        for writer in range(3):  # each flips: both halves are written
            MetadataVolume.open(device, KEY, POOL, writer=writer).append(
                SNAPSHOT, 1 + writer, bytes([writer])
            )
    with SlotDevice(str(loop), writable=False) as device:
        assert told(MetadataVolume.open(device, KEY, POOL)) == {SNAPSHOT: b"\x02"}
