"""The planner's pool out of the simulated database, for the simulated xapi's own planning.

Reads the records as the inventory reads those of a real API, so that damaged ones are borne as well.
"""

from __future__ import annotations

from lab.xapi.classes import CLASSES
from lab.xapi.database import Database
from planner.inventory.parse import parse
from planner.model import Pool


def pool(db: Database) -> Pool:
    """Return the pool that the records describe."""
    with db.lock:
        tables = {name.lower(): db.records(name) for name in CLASSES}
    return parse(tables).pool
