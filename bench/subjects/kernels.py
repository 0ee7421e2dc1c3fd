"""The compiled kernels beside their Python twins: the ratio of medians within one run of pytest-benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from bench.scale import Scale
from bench.table import Row, at_least

SUBJECT = "kernels beside their Python twins"
TESTS = Path(__file__).parent.parent / "test_kernels.py"


def measure(scale: Scale) -> list[Row]:
    """Return a row a kernel, its ratio judged."""
    medians = _medians(scale)
    return [
        at_least(
            SUBJECT,
            f"{name.replace('_', ' ')}: {times['kernel'] * 1e6:,.3g} µs, twin {times['twin'] * 1e6:,.3g} µs",
            times["twin"] / times["kernel"],
            30,
            "×",
        )
        for name, times in medians.items()
    ]


def _medians(scale: Scale) -> dict[str, dict[str, float]]:
    report = scale.folder / "kernels.json"
    command = [sys.executable, "-m", "pytest", "-q", "--benchmark-only", f"--benchmark-json={report}"]
    if scale.quick:
        command += ["--benchmark-max-time=0.01", "--benchmark-min-rounds=1"]
    subprocess.run([*command, str(TESTS)], capture_output=True, text=True, check=True)
    medians: dict[str, dict[str, float]] = defaultdict(dict)
    for measured in json.loads(report.read_text(encoding="utf-8"))["benchmarks"]:
        medians[measured["group"]][measured["extra_info"]["code"]] = measured["stats"]["median"]
    return medians
