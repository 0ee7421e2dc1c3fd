"""The metadata volume: what a new leader must know of the pool when the old one is dead.

`layout` says what the bytes mean, `volume` reads and writes them.
"""

from hacore.metadata.layout import HALF_BYTES, METADATA_BYTES, PLAN, SNAPSHOT, Record
from hacore.metadata.volume import Door, MetadataVolume, format_metadata

__all__ = [
    "HALF_BYTES",
    "METADATA_BYTES",
    "PLAN",
    "SNAPSHOT",
    "Door",
    "MetadataVolume",
    "Record",
    "format_metadata",
]
