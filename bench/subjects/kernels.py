"""placeholder"""

from __future__ import annotations

from bench.scale import Scale
from bench.table import Row


def measure(scale: Scale) -> list[Row]:
    return []
