"""The metadata volume: what a new leader must know of the pool when the old one is dead.

`layout` says what the bytes mean, `log` reads them, `volume` writes them.
"""

from hacore.metadata.layout import HALF_BYTES, METADATA_BYTES, PLAN, SNAPSHOT, Record
from hacore.metadata.log import Door
from hacore.metadata.volume import MetadataVolume, format_metadata

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
