"""The metadata volume: a log in two halves, written by the leader alone, read by whoever comes after it.

Decides which half counts, and who may write. A record is there whole or not at all, at whatever byte a write
was cut: it is appended behind the last one, or the other half is filled with the newest record of each kind
and made the one that counts by a single block, its head. Rules:

* every writer begins with a flip, so that two never append to the same place;
* a writer looks at both heads before it writes, and gives way to a higher epoch;
* a write that failed may still land later: it is repeated, byte by byte and at the same place, before
  anything else is written.

Must never write into the half that counts anything but behind its last record. What these rules cannot do: a
leader that is paused between its look and its write, and wakes up in a later epoch, may spoil the half into
which its successor has just flipped, and so may a write that lands after the process that gave it is dead.
Then the other half counts until the next write, or what was written before; nobody reads anything that was
not written. Exclusion (G1) never rests on this volume.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from hacore.errors import MetadataError, MetadataFull, StaleWriter
from hacore.kernel.native import Reason
from hacore.metadata.layout import (
    BLOCK_BYTES,
    HALF_BYTES,
    KIND_MAX,
    RECORD_HEAD_BYTES,
    TAG_BYTES,
    Head,
    Place,
    Record,
    pack_head,
    pack_record,
    payload_bytes,
    record_bytes,
    unpack_head,
    unpack_record,
)
from hacore.statefile import size_words, uuid_bytes

_HALVES = (0, 1)
_LOOKS = 4
"""How often a reader starts anew because a writer flipped under its eyes."""
_READ_BYTES = 1 << 20


class Door(Protocol):
    """A device for I/O in multiples of 4096 bytes: `hacore.kernel.native.SlotDevice`, or a stand-in."""

    @property
    def path(self) -> str: ...

    @property
    def size_bytes(self) -> int: ...

    def read(self, length: int, offset: int) -> bytes: ...

    def write(self, data: bytes, offset: int) -> None: ...


@dataclass(frozen=True, slots=True)
class _Log:
    """One half, read to its end."""

    head: Head
    newest: dict[int, Record]  # by kind
    count: int  # records in the half
    end: int  # where the next one begins, in the half
    sequence: int  # the highest
    epoch: int  # the highest, that of the head included
    writer: int  # who wrote in it


@dataclass(frozen=True, slots=True)
class _Write:
    """One block or record on its way to the medium."""

    data: bytes
    half: int
    offset: int  # in the half


@dataclass(frozen=True, slots=True)
class _Step:
    """Writes that belong together, what they start from and what is true when all are done."""

    writes: tuple[_Write, ...]
    before: Head
    after: _Log


_Heads = tuple[Head | Reason, Head | Reason]


def format_metadata(
    device: Door,
    key: bytes,
    generation: str,
    *,
    half_bytes: int = HALF_BYTES,
    draw: Callable[[int], bytes] = os.urandom,
) -> None:
    """Make the device an empty metadata volume of a pool. Raises MetadataError and OSError; asks nobody."""
    _check_size(device, half_bytes)
    head = Head(0, 1, 0, 0, draw(TAG_BYTES), 0, half_bytes)
    device.write(bytes(BLOCK_BYTES), half_bytes)
    device.write(pack_head(head, uuid_bytes(generation), key), 0)


def _check_size(device: Door, half_bytes: int) -> None:
    if device.size_bytes < 2 * half_bytes:
        raise MetadataError(
            device.path,
            f"has {size_words(device.size_bytes)}; expected at least {size_words(2 * half_bytes)} "
            "for a metadata volume",
        )


class MetadataVolume:
    """The metadata volume of a pool, for one process. Without a writer it can only be read."""

    def __init__(
        self,
        device: Door,
        key: bytes,
        generation: str,
        *,
        writer: int | None = None,
        half_bytes: int = HALF_BYTES,
        draw: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Touch nothing yet; `open` looks whether there is such a volume."""
        self._device = device
        self._key = key
        self._generation = uuid_bytes(generation)
        self._writer = writer
        self._half_bytes = half_bytes
        self._draw = draw
        self._mine: _Log | None = None  # the half this process appends to; None: the next write flips
        self._failed: _Step | None = None  # to be repeated before anything else is written

    @classmethod
    def open(
        cls,
        device: Door,
        key: bytes,
        generation: str,
        *,
        writer: int | None = None,
        half_bytes: int = HALF_BYTES,
        draw: Callable[[int], bytes] = os.urandom,
    ) -> MetadataVolume:
        """Return the volume on a device that was formatted for this pool; `writer`: index of this host.

        Raises MetadataError if it was not, and OSError.
        """
        _check_size(device, half_bytes)
        volume = cls(device, key, generation, writer=writer, half_bytes=half_bytes, draw=draw)
        volume._read()
        return volume

    def latest(self) -> tuple[Record, ...]:
        """Return the newest record of each kind, by kind. Raises MetadataError and OSError."""
        newest = self._read().newest
        return tuple(newest[kind] for kind in sorted(newest))

    def append(self, kind: int, epoch: int, payload: bytes) -> Record:
        """Write a record and return it once it is on the medium.

        Raises StaleWriter if somebody of a higher epoch has written, MetadataFull if it does not fit into a
        half beside the newest records of the other kinds, OSError if the device fails: then nobody knows
        whether the record is there, and the next call repeats the write before its own.
        """
        assert self._writer is not None, "opened for reading"
        assert 0 < kind <= KIND_MAX, kind
        assert epoch > 0, epoch
        log = self._log_to_write(epoch)
        if self._failed is not None:
            log = self._carry_out(self._failed)
        record = Record(kind, epoch, self._writer, log.sequence + 1, payload)
        fits = log.end + record_bytes(len(payload)) <= self._half_bytes
        step = self._extension(log, record) if self._mine and fits else self._flip(log, record)
        self._carry_out(step)
        return record

    # --- writing ---

    def _log_to_write(self, epoch: int) -> _Log:
        """Return the log to write behind; StaleWriter if it is not ours to write.

        What was ours and has been overtaken is forgotten: a failed write must not be repeated then.
        """
        if self._mine is not None and self._counts(self._mine.head):
            log = self._mine
        else:
            log, self._mine = self._read(), None
            if self._failed is not None and self._failed.before != log.head != self._failed.after.head:
                self._failed = None
        if log.epoch > epoch or (log.epoch == epoch and log.writer != self._writer):
            self._failed = None
            raise StaleWriter(self._device.path, epoch, log.epoch, log.writer)
        return log

    def _counts(self, head: Head) -> bool:
        """Tell whether a half is still the one that counts."""
        return max(_believed(self._heads()), key=_flip_of, default=None) == head

    def _carry_out(self, step: _Step) -> _Log:
        """Write; on OSError the whole step is to be repeated."""
        self._failed = step
        for write in step.writes:
            self._device.write(write.data, write.half * self._half_bytes + write.offset)
        self._failed, self._mine = None, step.after
        return step.after

    def _extension(self, log: _Log, record: Record) -> _Step:
        """Return how a record is put behind the last one."""
        data = pack_record(record, Place(log.head.tag, log.count), self._generation, self._key)
        after = _with(log, record, len(data))
        return _Step((_Write(data, log.head.half, log.end),), log.head, after)

    def _flip(self, log: _Log, record: Record) -> _Step:
        """Return how the other half is filled with what is newest, and then made the one that counts."""
        assert self._writer is not None, "opened for reading"
        newest = {**log.newest, record.kind: record}
        head = Head(
            half=1 - log.head.half,
            flip=log.head.flip + 1,
            epoch=record.epoch,
            writer=self._writer,
            tag=self._draw(TAG_BYTES),
            records=len(newest),
            half_bytes=self._half_bytes,
        )
        after, writes = _Log(head, {}, 0, BLOCK_BYTES, 0, head.epoch, head.writer), []
        for number, kind in enumerate(sorted(newest)):
            data = pack_record(newest[kind], Place(head.tag, number), self._generation, self._key)
            writes.append(_Write(data, head.half, after.end))
            after = _with(after, newest[kind], len(data))
        if after.end > self._half_bytes:
            raise MetadataFull(self._device.path, after.end, self._half_bytes)
        writes.append(_Write(pack_head(head, self._generation, self._key), head.half, 0))
        return _Step(tuple(writes), log.head, after)

    # --- reading ---

    def _read(self) -> _Log:
        """Return the half that counts, as it is when nobody flips meanwhile."""
        for _ in range(_LOOKS):
            heads = self._heads()
            log = self._newest_log(heads)
            if log is not None and self._heads() == heads:
                return log
        heads = self._heads()
        told = "; ".join(_told(half, head) for half, head in zip(_HALVES, heads, strict=True))
        raise MetadataError(self._device.path, f"no metadata volume of this pool: {told}")

    def _newest_log(self, heads: _Heads) -> _Log | None:
        """Return the half with the highest flip that holds all it began with."""
        for head in sorted(_believed(heads), key=_flip_of, reverse=True):
            log = self._log(head)
            if log.count >= head.records:
                return log
        return None

    def _heads(self) -> _Heads:
        first, second = (
            unpack_head(
                self._device.read(BLOCK_BYTES, half * self._half_bytes),
                half,
                self._half_bytes,
                self._generation,
                self._key,
            )
            for half in _HALVES
        )
        return first, second

    def _log(self, head: Head) -> _Log:
        log = _Log(head, {}, 0, BLOCK_BYTES, 0, head.epoch, head.writer)
        for record in self._records(head):
            log = _with(log, record, record_bytes(len(record.payload)))
        return log

    def _records(self, head: Head) -> Iterator[Record]:
        """Yield the records of a half up to the first that is not whole."""
        base, offset, number = head.half * self._half_bytes, BLOCK_BYTES, 0
        while offset + BLOCK_BYTES <= self._half_bytes:
            block = self._device.read(BLOCK_BYTES, base + offset)
            claimed = payload_bytes(block, Place(head.tag, number), self._generation)
            if claimed is None or claimed > self._half_bytes - offset - RECORD_HEAD_BYTES:
                return
            size = record_bytes(claimed)
            rest = (
                self._device.read(size - BLOCK_BYTES, base + offset + BLOCK_BYTES)
                if size > BLOCK_BYTES
                else b""
            )
            record = unpack_record(block + rest, self._key)
            if record is None:
                return
            yield record
            offset, number = offset + size, number + 1


def _with(log: _Log, record: Record, size: int) -> _Log:
    """Return the log with one more record, which takes `size` bytes."""
    return replace(
        log,
        newest={**log.newest, record.kind: record},
        count=log.count + 1,
        end=log.end + size,
        sequence=max(log.sequence, record.sequence),
        epoch=max(log.epoch, record.epoch),
        writer=record.writer if record.epoch > log.epoch else log.writer,
    )


def _believed(heads: _Heads) -> list[Head]:
    return [head for head in heads if isinstance(head, Head)]


def _flip_of(head: Head) -> int:
    return head.flip


def _told(half: int, head: Head | Reason) -> str:
    name = ("first", "second")[half]
    return f"{name} half: {head.words if isinstance(head, Reason) else 'its records are damaged'}"
