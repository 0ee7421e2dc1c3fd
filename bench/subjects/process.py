"""`xenha tolerance pool.json` as a whole process: start, parse, answer, end."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from statistics import median

from bench.live import XENHA
from bench.pools import pool
from bench.scale import Scale
from bench.table import Row, at_most
from hacore.clock import Stopwatch
from planner.inventory.poolfile import dump_pool

SUBJECT = "xenha tolerance pool.json"


def measure(scale: Scale) -> list[Row]:
    """Return the median of whole processes on a pool of 64 hosts that needs no solver."""
    path = scale.folder / "pool-64.json"
    path.write_text(dump_pool(pool(1, hosts=64, vms=3500)), encoding="utf-8")
    runs = [_run(scale, path) for _ in range(scale.count(15))]
    return [
        at_most(SUBJECT, f"median of {len(runs)} processes", median(runs), 0.6, "s"),
        Row(SUBJECT, "size of the pool file", f"{path.stat().st_size / 1e6:.2f} MB"),
    ]


def _run(scale: Scale, path: Path) -> float:
    watch = Stopwatch.start(scale.clock)
    done = subprocess.run(
        [XENHA, "tolerance", str(path), "--json"], capture_output=True, text=True, check=True
    )
    seconds = watch.seconds()
    answer = json.loads(done.stdout)
    assert answer["simultaneous"]["proven"], answer
    return seconds
