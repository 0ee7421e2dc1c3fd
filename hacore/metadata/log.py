"""The metadata volume as it is read: which half counts, and what it says. Writes nothing, knows no leader.

A record is there whole or not at all, at whatever byte a write was cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from hacore.errors import MetadataError
from hacore.kernel.native import Reason
from hacore.metadata.layout import (
    BLOCK_BYTES,
    RECORD_HEAD_BYTES,
    Head,
    Place,
    Record,
    payload_bytes,
    record_bytes,
    unpack_head,
    unpack_record,
)
from hacore.statefile import size_words

_HALVES = (0, 1)
LOOKS = 4
"""How often somebody starts anew because another writer flipped under its eyes."""


class Door(Protocol):
    """A device for I/O in multiples of 4096 bytes: `hacore.kernel.native.SlotDevice`, or a stand-in."""

    @property
    def path(self) -> str: ...

    @property
    def size_bytes(self) -> int: ...

    def read(self, length: int, offset: int) -> bytes: ...

    def write(self, data: bytes, offset: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Log:
    """One half, read to its end."""

    head: Head
    newest: dict[int, Record]  # by kind
    count: int  # records in the half
    end: int  # where the next one begins, in the half
    sequence: int  # the highest
    epoch: int  # the highest, that of the head included
    writer: int  # who wrote in it


Heads = tuple[Head | Reason, Head | Reason]


def check_size(device: Door, half_bytes: int) -> None:
    """Raise MetadataError if the device has no room for two halves."""
    if device.size_bytes < 2 * half_bytes:
        raise MetadataError(
            device.path,
            f"has {size_words(device.size_bytes)}; expected at least {size_words(2 * half_bytes)} "
            "for a metadata volume",
        )


class Reader:
    """Reads the volume of a pool."""

    def __init__(self, device: Door, key: bytes, generation: bytes, half_bytes: int) -> None:
        self._device = device
        self._key = key
        self._generation = generation
        self._half_bytes = half_bytes

    def read(self) -> Log:
        """Return the half that counts, as it is when nobody flips meanwhile."""
        for _ in range(LOOKS):
            heads = self.heads()
            log = self._newest_log(heads)
            if log is not None and self.heads() == heads:
                return log
        heads = self.heads()
        told = "; ".join(_told(half, head) for half, head in zip(_HALVES, heads, strict=True))
        raise MetadataError(self._device.path, f"no metadata volume of this pool: {told}")

    def _newest_log(self, heads: Heads) -> Log | None:
        """Return the half with the highest flip that holds all it began with."""
        for head in sorted(believed(heads), key=_flip_of, reverse=True):
            log = self._log(head)
            if log.count >= head.records:
                return log
        return None

    def heads(self) -> Heads:
        """Return both heads, or why they are not believed."""
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

    def _log(self, head: Head) -> Log:
        log = Log(head, {}, 0, BLOCK_BYTES, 0, head.epoch, head.writer)
        for record in self._records(head):
            log = extended(log, record, record_bytes(len(record.payload)))
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


def newest_head(heads: Heads) -> Head | None:
    """Return the head with the highest flip: its half counts if it holds what it began with."""
    return max(believed(heads), key=_flip_of, default=None)


def extended(log: Log, record: Record, size: int) -> Log:
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


def believed(heads: Heads) -> list[Head]:
    """Return the heads that say something."""
    return [head for head in heads if isinstance(head, Head)]


def _flip_of(head: Head) -> int:
    return head.flip


def _told(half: int, head: Head | Reason) -> str:
    name = ("first", "second")[half]
    return f"{name} half: {head.words if isinstance(head, Reason) else 'its records are damaged'}"
