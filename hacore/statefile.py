"""The statefile as a volume: where everything lies, its header, formatting, decoding offline.

    0          header, first copy (4096)        what the pool is: generation, host table, time-out
    512 KiB    header, second copy
    1 MiB      slots: host by host, 8 copies of 4096 bytes each (slotcodec.pyx)
    3 MiB      unused up to 4 MiB

    header     0 magic 8 · 8 version 2 · 10 copy 2 · 12 hosts 2 · 14 zero 2 · 16 generation 16
               32 time-out 8 · 40 zero 24 · 64 host UUIDs 64 × 16 · 1088 zero · 4076 CRC-32C of 0 … 4075
               4080 MAC of 0 … 4079

Decides which header is believed. Must never write but in `format_statefile`, which asks nobody: whether a
statefile is in use is `written_between`'s answer and its caller's question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

from hacore.errors import StatefileError
from hacore.kernel.native import (
    COPIES,
    SLOT_BYTES,
    STRIDE_BYTES,
    PoolIdentity,
    Reason,
    Slot,
    SlotDevice,
    blank_body,
    crc32c,
    keyed_mac,
    pack_slot_body,
    read_slot,
    seal_slot,
)
from hacore.records import MAX_HOSTS, NOBODY, Cause, Decision

STATEFILE_BYTES = 4 << 20
HEADERS_AT = (0, 512 << 10)
_MIB = 1 << 20
SLOTS_AT = _MIB
SLOTS_END = SLOTS_AT + MAX_HOSTS * SLOT_BYTES
HEADER_BYTES = 4096
FORMAT = 1
MAGIC = b"xenhaPOL"
ANY_KEY = bytes(32)
"""Stands for the key where nothing is authenticated."""

_FIELDS = Struct("<8sHHHH16sQ24s1024s")
_CRC_AT, _MAC_AT = 4076, 4080


@dataclass(frozen=True, slots=True)
class Header:
    """What a statefile says of its pool. UUIDs in lower case with dashes; hosts in ascending order."""

    generation: str  # a new one for each formatting: late writes from before it are then not believed
    hosts: tuple[str, ...]  # 1 to 64; their order gives the indices
    timeout_ns: int  # T

    def __post_init__(self) -> None:
        """Refuse what configuration should have refused."""
        assert 1 <= len(self.hosts) <= MAX_HOSTS, self.hosts
        assert list(self.hosts) == sorted(set(self.hosts)), self.hosts
        assert self.timeout_ns > 0, self.timeout_ns

    def identity(self, key: bytes) -> PoolIdentity:
        """Return what the codecs need to know of the pool."""
        return PoolIdentity(key, uuid_bytes(self.generation), [uuid_bytes(host) for host in self.hosts])


@dataclass(frozen=True, slots=True)
class HeaderCopy:
    """One copy of the header as it was read; without a header, why it is not believed."""

    reason: Reason
    header: Header | None = None


@dataclass(frozen=True, slots=True)
class Dump:
    """A statefile, decoded. Ages are not known: a slot bears no time."""

    headers: tuple[HeaderCopy, ...]
    header: Header | None  # by which the slots were read
    slots: tuple[Slot, ...]  # by host; empty without a header
    authenticated: bool  # False: there was no key, and no MAC was checked


def slot_offset(host: int, copy: int) -> int:
    """Return where a copy lies."""
    return SLOTS_AT + host * SLOT_BYTES + copy * STRIDE_BYTES


def uuid_bytes(text: str) -> bytes:
    """Return the 16 bytes of a UUID; ValueError if it is none."""
    raw = bytes.fromhex(text.replace("-", ""))
    if uuid_text(raw) != text:
        raise ValueError(f"{text!r}: expected a UUID in lower case")
    return raw


def uuid_text(raw: bytes) -> str:
    """Return a UUID as text."""
    digits = raw.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def size_words(count: int) -> str:
    """Return a size for people who count in bytes and, from one on, for those who count in MiB."""
    return f"{count} bytes ({count / _MIB:.6g} MiB)" if count >= _MIB else f"{count} bytes"


def _check_size(device: SlotDevice) -> None:
    if device.size_bytes < STATEFILE_BYTES:
        found, expected = size_words(device.size_bytes), size_words(STATEFILE_BYTES)
        raise StatefileError(device.path, f"has {found}; expected at least {expected}")


# --- the header -------------------------------------------------------------------------------------------


def pack_header(header: Header, key: bytes, copy: int) -> bytes:
    """Return one copy of the header."""
    uuids = b"".join(uuid_bytes(host) for host in header.hosts)
    fields = (
        FORMAT,
        copy,
        len(header.hosts),
        0,
        uuid_bytes(header.generation),
        header.timeout_ns,
        b"",
        uuids,
    )
    block = bytearray(_FIELDS.pack(MAGIC, *fields).ljust(HEADER_BYTES, b"\0"))
    block[_CRC_AT:_MAC_AT] = crc32c(block[:_CRC_AT]).to_bytes(4, "little")
    block[_MAC_AT:] = keyed_mac(key, block[:_MAC_AT])
    return bytes(block)


def unpack_header(block: bytes, key: bytes | None, copy: int) -> HeaderCopy:
    """Return what one copy says, or why it is not believed; without a key the MAC is not checked."""
    if not any(block):
        return HeaderCopy(Reason.BLANK)
    magic, version, place, count, _, generation, timeout_ns, _, uuids = _FIELDS.unpack_from(block)
    if magic != MAGIC:
        return HeaderCopy(Reason.MAGIC)
    if version != FORMAT:
        return HeaderCopy(Reason.VERSION)
    if place != copy:
        return HeaderCopy(Reason.COPY)
    if crc32c(block[:_CRC_AT]) != int.from_bytes(block[_CRC_AT:_MAC_AT], "little"):
        return HeaderCopy(Reason.CRC)
    if key is not None and keyed_mac(key, block[:_MAC_AT]) != block[_MAC_AT:]:
        return HeaderCopy(Reason.AUTHENTICITY)
    hosts = tuple(uuid_text(uuids[16 * i : 16 * i + 16]) for i in range(min(count, MAX_HOSTS)))
    if not 1 <= count <= MAX_HOSTS or list(hosts) != sorted(set(hosts)) or not timeout_ns:
        return HeaderCopy(Reason.CONTENT)
    header = Header(uuid_text(generation), hosts, timeout_ns)
    if pack_header(header, ANY_KEY, copy)[:_CRC_AT] != block[:_CRC_AT]:
        return HeaderCopy(Reason.CONTENT)  # something where nothing belongs
    return HeaderCopy(Reason.VALID, header)


def read_header(device: SlotDevice, key: bytes | None) -> Header:
    """Return the header that the first valid copy holds; one copy is enough.

    StatefileError: too small a volume, no valid copy (with the reason of each), or two that differ. OSError:
    as the device says.
    """
    _check_size(device)
    blocks = [device.read(HEADER_BYTES, offset) for offset in HEADERS_AT]
    copies = [unpack_header(block, key, copy) for copy, block in enumerate(blocks)]
    return _agreed(device.path, copies)


def _agreed(path: str, copies: Sequence[HeaderCopy]) -> Header:
    headers = [copy.header for copy in copies if copy.header is not None]
    if not headers:
        first, second = (copy.reason.words for copy in copies)
        both = first if first == second else f"{first}; second copy: {second}"
        raise StatefileError(path, f"no statefile of this pool: {both}")
    if any(header != headers[0] for header in headers):
        raise StatefileError(path, "the two copies of its header differ; expected the same twice")
    return headers[0]


# --- formatting -------------------------------------------------------------------------------------------


def first_decision(hosts: int) -> Decision:
    """Return epoch 1: all configured hosts, none as any incarnation: nobody is a member, anybody may form."""
    return Decision(1, (1 << hosts) - 1, (0,) * hosts, NOBODY, Cause.NONE)


def format_statefile(device: SlotDevice, header: Header, key: bytes) -> None:
    """Write an empty statefile over whatever is there. StatefileError: the volume is too small.

    The header goes first and comes last: what was interrupted is no statefile. Every copy of every slot is
    valid from the start, so that one that is not later on means something.
    """
    _check_size(device)
    for offset in HEADERS_AT:
        device.write(bytes(HEADER_BYTES), offset)
    device.write(_blank_slots(header, key), SLOTS_AT)
    for copy, offset in enumerate(HEADERS_AT):
        device.write(pack_header(header, key, copy), offset)


def _blank_slots(header: Header, key: bytes) -> bytes:
    pool = header.identity(key)
    body = pack_slot_body(blank_body(first_decision(len(header.hosts))))
    blocks = [
        seal_slot(pool, body, host, copy, copy + 1, 0)
        for host in range(len(header.hosts))
        for copy in range(COPIES)
    ]
    return b"".join(blocks).ljust(MAX_HOSTS * SLOT_BYTES, b"\0")


# --- decoding offline -------------------------------------------------------------------------------------


def read_image(path: str) -> bytes:
    """Return the statefile's bytes, of a device or of a copy of one, past every cache where possible.

    StatefileError: too small. OSError: it cannot be opened or read.
    """
    with SlotDevice(path, writable=False, lab=True) as device:
        _check_size(device)
        return device.read(SLOTS_END, 0)


def dump(image: bytes, key: bytes | None, header: Header | None = None) -> Dump:
    """Decode an image: every copy of every slot, and why those that are not believed are not.

    Without a key MACs are not checked, which the answer says. Both headers may be lost: `header` (say, of a
    configuration) then says which pool's the slots should be.
    """
    copies = tuple(
        unpack_header(image[offset : offset + HEADER_BYTES], key, copy)
        for copy, offset in enumerate(HEADERS_AT)
    )
    used = next((copy.header for copy in copies if copy.header is not None), header)
    slots = () if used is None else _slots(image, used, key)
    return Dump(copies, used, slots, key is not None)


def _slots(image: bytes, header: Header, key: bytes | None) -> tuple[Slot, ...]:
    pool = header.identity(ANY_KEY if key is None else key)
    view = memoryview(image)
    return tuple(
        read_slot(
            pool,
            host,
            view[slot_offset(host, 0) : slot_offset(host, 0) + SLOT_BYTES],
            authenticate=key is not None,
        )
        for host in range(len(header.hosts))
    )


def written_between(first: bytes, second: bytes) -> tuple[int, ...]:
    """Return the indices of slots that were written between two images: their daemons are running.

    Needs no key and asks for no valid slot: whoever else writes there must be stopped before formatting.
    """
    return tuple(host for host in range(MAX_HOSTS) if _of(first, host) != _of(second, host))


def _of(image: bytes, host: int) -> bytes:
    return image[slot_offset(host, 0) : slot_offset(host, 0) + SLOT_BYTES]
