"""The statefile as a volume: header, formatting, decoding a copy with and without the key."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from hacore.errors import StatefileError
from hacore.kernel.native import COPIES, Reason, SlotDevice, crc32c, keyed_mac, pack_slot_body, seal_slot
from hacore.records import NOBODY, Block, Cause, Decision, State
from hacore.statefile import (
    HEADER_BYTES,
    HEADERS_AT,
    SLOTS_AT,
    STATEFILE_BYTES,
    Header,
    dump,
    first_decision,
    format_statefile,
    pack_header,
    read_header,
    read_image,
    slot_offset,
    unpack_header,
    uuid_bytes,
    uuid_text,
    written_between,
)

KEY = bytes(range(32))
OTHER_KEY = bytes(32)


def uuid(number: int) -> str:
    return uuid_text(number.to_bytes(16, "big"))


HEADER = Header(uuid(0xF0), tuple(uuid(i) for i in range(3)), 60_000_000_000)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """Four MiB that held something else before."""
    path = tmp_path / "statefile"
    path.write_bytes(b"\xa5" * STATEFILE_BYTES)
    return path


@pytest.fixture
def statefile(volume: Path) -> Path:
    """A formatted one."""
    with SlotDevice(str(volume)) as device:
        format_statefile(device, HEADER, KEY)
    return volume


def patch(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def header_of(path: Path, key: bytes | None = KEY) -> Header:
    with SlotDevice(str(path), writable=False) as device:
        return read_header(device, key)


# --- the header -------------------------------------------------------------------------------------------


def test_a_header_is_read_back(statefile: Path) -> None:
    assert header_of(statefile) == HEADER
    assert header_of(statefile, None) == HEADER


@pytest.mark.parametrize("lost", HEADERS_AT)
def test_one_copy_of_the_header_is_enough(statefile: Path, lost: int) -> None:
    patch(statefile, lost, os.urandom(HEADER_BYTES))
    assert header_of(statefile) == HEADER


def test_what_was_never_formatted_says_so(volume: Path) -> None:
    with pytest.raises(StatefileError, match=r"no statefile of this pool: not written by xenhad$"):
        header_of(volume)
    patch(volume, 0, bytes(STATEFILE_BYTES))
    with pytest.raises(StatefileError, match=r"blank: nothing was ever written here$"):
        header_of(volume)


def test_the_reason_of_each_copy_is_told(statefile: Path) -> None:
    patch(statefile, HEADERS_AT[0], bytes(HEADER_BYTES))
    patch(statefile, HEADERS_AT[1] + 70, b"!")
    with pytest.raises(StatefileError, match=r"blank: .*; second copy: torn or damaged"):
        header_of(statefile)


def test_another_key_s_statefile_is_not_ours(statefile: Path) -> None:
    with pytest.raises(StatefileError, match="forged, or sealed with another key"):
        header_of(statefile, OTHER_KEY)


def test_headers_that_differ_are_refused(statefile: Path) -> None:
    other = replace(HEADER, timeout_ns=1)
    patch(statefile, HEADERS_AT[1], pack_header(other, KEY, 1))
    with pytest.raises(StatefileError, match="the two copies of its header differ"):
        header_of(statefile)


def test_a_volume_that_is_too_small_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(bytes(STATEFILE_BYTES - 4096))
    with SlotDevice(str(path)) as device:
        with pytest.raises(StatefileError, match=r"has 4190208 bytes \(3.99609 MiB\); expected"):
            format_statefile(device, HEADER, KEY)
        with pytest.raises(StatefileError, match=r"expected at least 4194304 bytes \(4 MiB\)"):
            read_header(device, KEY)
    assert path.read_bytes() == bytes(STATEFILE_BYTES - 4096)


def test_a_header_is_believed_whole_or_not_at_all() -> None:
    block = pack_header(HEADER, KEY, 0)
    for bit in range(0, 8 * HEADER_BYTES, 7):
        mangled = bytearray(block)
        mangled[bit // 8] ^= 1 << bit % 8
        assert unpack_header(bytes(mangled), KEY, 0).header is None, bit


def test_a_header_in_the_other_s_place_is_not_believed() -> None:
    assert unpack_header(pack_header(HEADER, KEY, 0), KEY, 1).reason is Reason.COPY


def test_a_torn_header_is_not_believed() -> None:
    new, old = pack_header(HEADER, KEY, 0), pack_header(replace(HEADER, generation=uuid(1)), KEY, 0)
    for n in range(0, HEADER_BYTES, 16):
        found = unpack_header(new[:n] + old[n:], KEY, 0)
        assert (found.header is None) == (new[:n] + old[n:] not in (new, old)), n


def test_an_authentic_header_that_nobody_can_mean() -> None:
    """Sealed right, but with hosts out of order, none at all, or something where nothing belongs."""
    good = bytearray(pack_header(HEADER, KEY, 0))
    swapped = good[:64] + good[80:96] + good[64:80] + good[96:]
    none = good[:12] + b"\0\0" + good[14:]
    many = good[:12] + b"\x41\0" + good[14:]
    filled = good[:2000] + b"x" + good[2001:]
    for block in (swapped, none, many, filled):
        block[4076:4080] = crc32c(bytes(block[:4076])).to_bytes(4, "little")
        block[4080:] = keyed_mac(KEY, bytes(block[:4080]))
        assert unpack_header(bytes(block), KEY, 0).reason is Reason.CONTENT


def test_random_headers() -> None:
    rng = Random(7)
    head = pack_header(HEADER, KEY, 0)[:16]
    for _ in range(3000):
        noise = rng.randbytes(HEADER_BYTES)
        assert unpack_header(noise, KEY, 0).header is None
        assert unpack_header((head + noise)[:HEADER_BYTES], None, 0).header is None


@pytest.mark.parametrize("text", ["", "xyz", "0011223344556677", uuid(0xAB).upper()])
def test_uuids_have_one_spelling(text: str) -> None:
    with pytest.raises(ValueError, match=r"UUID|hexadecimal"):
        uuid_bytes(text)


# --- formatting -------------------------------------------------------------------------------------------


def test_a_fresh_statefile_is_epoch_1_with_nobody_in_it(statefile: Path) -> None:
    found = dump(read_image(str(statefile)), KEY)
    assert found.header == HEADER
    assert len(found.slots) == 3
    for slot in found.slots:
        assert (slot.newest, slot.doubted) == (7, False)
        assert [copy.sequence for copy in slot.copies] == list(range(1, COPIES + 1))
        assert slot.best is not None
        assert slot.best.body is not None
        assert slot.best.body.state is State.ABSENT
        assert slot.best.body.decided == Decision(1, 0b111, (0, 0, 0), NOBODY, Cause.NONE)


def test_slots_of_hosts_that_are_not_configured_are_blank(statefile: Path) -> None:
    raw = statefile.read_bytes()
    assert not any(raw[slot_offset(3, 0) : slot_offset(64, 0)])
    assert raw[slot_offset(64, 0) :] == b"\xa5" * (STATEFILE_BYTES - slot_offset(64, 0))


class Stopping:
    """A device that takes only so many writes: what a formatting that was killed leaves behind."""

    def __init__(self, device: SlotDevice, writes: int) -> None:
        self.size_bytes, self.path = device.size_bytes, device.path
        self._device, self._left = device, writes

    def write(self, data: bytes, offset: int) -> None:
        if not self._left:
            raise InterruptedError
        self._left -= 1
        self._device.write(data, offset)


@pytest.mark.parametrize("writes", [1, 2, 3])
def test_a_formatting_that_was_killed_leaves_no_statefile(statefile: Path, writes: int) -> None:
    other = replace(HEADER, generation=uuid(0xF1))
    with SlotDevice(str(statefile)) as device:
        with pytest.raises(InterruptedError):
            format_statefile(Stopping(device, writes), other, KEY)  # type: ignore[arg-type]
        if writes == 1:  # the second copy of the old header still stands, and so do the old slots
            assert read_header(device, KEY) == HEADER
        else:
            with pytest.raises(StatefileError, match="blank"):
                read_header(device, KEY)


def test_64_hosts_fit(volume: Path) -> None:
    header = replace(HEADER, hosts=tuple(uuid(i) for i in range(64)))
    with SlotDevice(str(volume)) as device:
        format_statefile(device, header, KEY)
    found = dump(read_image(str(volume)), KEY)
    assert found.header == header
    assert [slot.doubted for slot in found.slots] == [False] * 64


# --- decoding offline -------------------------------------------------------------------------------------


def write_slot(path: Path, host: int, copy: int, sequence: int, key: bytes = KEY) -> None:
    blank = first_decision(3)
    body = pack_slot_body(
        replace(
            dump(path.read_bytes(), None).slots[host].copies[0].body,  # type: ignore[type-var]
            incarnation=99,
            state=State.MEMBER,
            block=Block(2, 65, 65, replace(blank, epoch=2)),
        )
    )
    patch(path, slot_offset(host, copy), seal_slot(HEADER.identity(key), body, host, copy, sequence, 0))


def test_a_dump_tells_what_each_copy_says_and_why_others_are_not_believed(statefile: Path) -> None:
    write_slot(statefile, 1, 0, 9)
    write_slot(statefile, 1, 1, 10, key=OTHER_KEY)
    patch(statefile, slot_offset(1, 2) + 1000, b"?")
    patch(statefile, slot_offset(1, 3), statefile.read_bytes()[slot_offset(2, 3) :][:4096])
    patch(statefile, slot_offset(1, 4), bytes(4096))
    slot = dump(statefile.read_bytes(), KEY).slots[1]
    assert [copy.reason for copy in slot.copies] == [
        Reason.VALID,
        Reason.AUTHENTICITY,
        Reason.CRC,
        Reason.IDENTITY,
        Reason.BLANK,
        Reason.VALID,
        Reason.VALID,
        Reason.VALID,
    ]
    assert (slot.newest, slot.doubted) == (0, True)
    assert slot.best is not None
    assert slot.best.body is not None
    assert slot.best.body.block.mbal == 65
    assert slot.copies[2].body is None


def test_without_the_key_no_mac_is_checked_and_it_says_so(statefile: Path) -> None:
    write_slot(statefile, 1, 1, 10, key=OTHER_KEY)
    found = dump(statefile.read_bytes(), None)
    assert not found.authenticated
    assert found.slots[1].copies[1].reason is Reason.VALID
    assert dump(statefile.read_bytes(), KEY).authenticated


def test_both_headers_lost(statefile: Path) -> None:
    for offset in HEADERS_AT:
        patch(statefile, offset, bytes(HEADER_BYTES))
    image = statefile.read_bytes()
    assert dump(image, KEY).slots == ()
    assert [copy.reason for copy in dump(image, KEY).headers] == [Reason.BLANK] * 2
    assert [slot.newest for slot in dump(image, KEY, HEADER).slots] == [7] * 3


def test_a_copy_that_was_cut_off_is_refused(tmp_path: Path, statefile: Path) -> None:
    short = tmp_path / "short"
    short.write_bytes(statefile.read_bytes()[: SLOTS_AT + 4096])
    with pytest.raises(StatefileError, match=r"1052672 bytes .*; expected at least 4194304 bytes"):
        read_image(str(short))


def test_a_statefile_in_use_changes_between_two_looks(statefile: Path) -> None:
    first = read_image(str(statefile))
    assert written_between(first, read_image(str(statefile))) == ()
    write_slot(statefile, 2, 0, 9)
    assert written_between(first, read_image(str(statefile))) == (2,)
    patch(statefile, slot_offset(40, 3) + 5, b"somebody else")
    assert written_between(first, read_image(str(statefile))) == (2, 40)
