"""The metadata volume: a log in two halves, written by the leader alone, read by whoever comes after it.

Decides who may write, and where. A record is there whole or not at all, at whatever byte a write was cut: it
is appended behind the last one, or the other half is filled with the newest record of each kind and made the
one that counts by a single block, its head. Rules:

* every writer begins with a flip, so that two never append to the same place;
* a writer looks at both heads before each of its writes, and gives way to a higher epoch in either;
* a write that failed may still land later: it is repeated, byte by byte and at the same place, before
  anything else is written;
* a writer remembers what it wrote, and writes it again where a lower epoch has written over it.

Must never write into the half that counts anything but behind its last record. What these rules cannot do: no
disk compares before it writes, so a leader that is paused between its look and one write, and wakes up in a
later epoch, may spoil the half into which its successor has flipped; so may a write that lands after the
process that gave it is dead. Then the other half counts, with what was written before; nobody reads anything
that was not written. Who takes over therefore calls `renew` when its predecessor is certainly dead: no
process of it will wake up, and what it spoilt is written again. Exclusion (G1) never rests on this volume.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from hacore.errors import MetadataError, MetadataFull, StaleWriter
from hacore.metadata.layout import (
    BLOCK_BYTES,
    HALF_BYTES,
    KIND_MAX,
    TAG_BYTES,
    Head,
    Place,
    Record,
    pack_head,
    pack_record,
    record_bytes,
)
from hacore.metadata.log import LOOKS, Door, Log, Reader, believed, check_size, extended, newest_head
from hacore.statefile import uuid_bytes


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
    after: Log
    known: frozenset[Head]  # that may be seen meanwhile: those of the look, and its own


def format_metadata(
    device: Door,
    key: bytes,
    generation: str,
    *,
    half_bytes: int = HALF_BYTES,
    draw: Callable[[int], bytes] = os.urandom,
) -> None:
    """Make the device an empty metadata volume of a pool. Raises MetadataError and OSError; asks nobody."""
    check_size(device, half_bytes)
    head = Head(0, 1, 0, 0, draw(TAG_BYTES), 0, half_bytes)
    device.write(bytes(BLOCK_BYTES), half_bytes)
    device.write(pack_head(head, uuid_bytes(generation), key), 0)


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
        self._reader = Reader(device, key, self._generation, half_bytes)
        self._mine: Log | None = None  # the half this process appends to; None: the next write flips
        self._written: dict[int, Record] = {}  # the newest of each kind, as this process left them
        self._seen: frozenset[Head] = frozenset()  # the heads of the last look
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
        check_size(device, half_bytes)
        volume = cls(device, key, generation, writer=writer, half_bytes=half_bytes, draw=draw)
        volume._reader.read()
        return volume

    def latest(self) -> tuple[Record, ...]:
        """Return the newest record of each kind, by kind. Raises MetadataError and OSError."""
        newest = self._reader.read().newest
        return tuple(newest[kind] for kind in sorted(newest))

    def append(self, kind: int, epoch: int, payload: bytes) -> Record:
        """Write a record and return it once it is on the medium.

        Raises StaleWriter if somebody of a higher epoch has written, MetadataFull if it does not fit into a
        half beside the newest records of the other kinds, OSError if the device fails: then nobody knows
        whether the record is there, and the next call repeats the write before its own.
        """
        assert 0 < kind <= KIND_MAX, kind
        log = self._write(epoch, kind, payload)
        return log.newest[kind]

    def renew(self, epoch: int) -> None:
        """Write everything anew: for a writer that took over, once its predecessor is certainly dead.

        Raises what `append` does.
        """
        self._write(epoch)

    # --- writing ---

    def _write(self, epoch: int, kind: int = 0, payload: bytes = b"") -> Log:
        """Append a record, or flip for its own sake."""
        assert self._writer is not None, "opened for reading"
        assert epoch > 0, epoch
        for _ in range(LOOKS):
            log: Log | None = self._log_to_write(epoch)
            if self._failed is not None:
                log = self._carry_out(self._failed)
            if log is None:
                continue
            record = Record(kind, epoch, self._writer, log.sequence + 1, payload) if kind else None
            step = self._step(log, record, epoch)
            if step is not None and (done := self._carry_out(step)) is not None:
                return done
        raise MetadataError(self._device.path, "somebody else writes it again and again")

    def _step(self, log: Log, record: Record | None, epoch: int) -> _Step | None:
        """Return what to write; None: read the log first, for a flip must spare the half that counts."""
        if self._mine is None:
            return self._flip(log, record, epoch)
        if record is not None and log.end + record_bytes(len(record.payload)) <= self._half_bytes:
            return self._extension(log, record)
        self._mine = None
        return None

    def _log_to_write(self, epoch: int) -> Log:
        """Return the log to write behind; StaleWriter if it is not ours to write.

        What was ours and has been overtaken is forgotten: a failed write must not be repeated then.
        """
        heads = self._reader.heads()
        self._seen = frozenset(believed(heads))
        if self._mine is not None and newest_head(heads) == self._mine.head:
            log = self._mine
        else:
            log, self._mine = self._reader.read(), None
            if self._failed is not None and self._failed.before != log.head != self._failed.after.head:
                self._failed = None
        leaders: tuple[Log | Head, ...] = (log, *believed(heads))  # a spoilt half still tells who has led
        for said in leaders:
            if said.epoch > epoch or (said.epoch == epoch and said.writer != self._writer):
                self._failed, self._written = None, {}
                raise StaleWriter(self._device.path, epoch, said.epoch, said.writer)
        return log if self._mine is not None else _with_what_was_written(log, self._written)

    def _carry_out(self, step: _Step) -> Log | None:
        """Write; None if somebody else has flipped since the look. On OSError all of it is to be repeated."""
        self._failed = step
        for write in step.writes:
            if not step.known.issuperset(believed(self._reader.heads())):
                self._mine = None
                return None
            self._device.write(write.data, write.half * self._half_bytes + write.offset)
        self._failed, self._mine = None, step.after
        self._seen, self._written = step.known, step.after.newest
        return step.after

    def _extension(self, log: Log, record: Record) -> _Step:
        """Return how a record is put behind the last one."""
        data = pack_record(record, Place(log.head.tag, log.count), self._generation, self._key)
        after = extended(log, record, len(data))
        return _Step((_Write(data, log.head.half, log.end),), log.head, after, self._seen)

    def _flip(self, log: Log, record: Record | None, epoch: int) -> _Step:
        """Return how the other half is filled with what is newest, and then made the one that counts."""
        assert self._writer is not None, "opened for reading"
        newest = log.newest if record is None else {**log.newest, record.kind: record}
        head = Head(
            half=1 - log.head.half,
            flip=log.head.flip + 1,
            epoch=epoch,
            writer=self._writer,
            tag=self._draw(TAG_BYTES),
            records=len(newest),
            half_bytes=self._half_bytes,
        )
        after, writes = Log(head, {}, 0, BLOCK_BYTES, 0, head.epoch, head.writer), []
        for number, kind in enumerate(sorted(newest)):
            data = pack_record(newest[kind], Place(head.tag, number), self._generation, self._key)
            writes.append(_Write(data, head.half, after.end))
            after = extended(after, newest[kind], len(data))
        if after.end > self._half_bytes:
            raise MetadataFull(self._device.path, after.end, self._half_bytes)
        writes.append(_Write(pack_head(head, self._generation, self._key), head.half, 0))
        return _Step(tuple(writes), log.head, after, self._seen | {head})


def _with_what_was_written(log: Log, written: dict[int, Record]) -> Log:
    """Return the log with what a writer wrote and somebody of a lower epoch has written over."""
    newest = dict(log.newest)
    for kind, record in written.items():
        found = newest.get(kind)
        if found is None or (found.epoch, found.sequence) < (record.epoch, record.sequence):
            newest[kind] = record
    highest = max((record.sequence for record in newest.values()), default=0)
    return replace(log, newest=newest, sequence=max(log.sequence, highest))
