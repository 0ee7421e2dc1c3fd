"""What we ship for other programs, judged by them: configurations and the metrics as they are served."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from exporter.alerts import RULES, render

pytestmark = pytest.mark.system

DOCS = Path(__file__).parents[3] / "docs"


def _run(*command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)


def test_promtool_finds_nothing_wrong_with_the_metrics_served(xenha) -> None:
    done = _run("promtool", "check", "metrics", stdin=xenha.get("/metrics").text)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_alert_rule_has_the_names_it_joins(xenha) -> None:
    """An alert whose name series is missing would be lost: each pool, host and VM shown has one."""
    series = [line.split(" ")[0] for line in xenha.get("/metrics").text.splitlines() if line[:1] != "#"]
    labels = [dict(_labels(name)) | {"metric": name.split("{")[0]} for name in series if "pool=" in name]
    named = {
        kind: {(one["pool"], one[kind]) for one in labels if one["metric"] == f"xenha_{kind}_info"}
        for kind in ("pool", "host", "vm")
    }
    for one in labels:
        for kind in ("pool", "host", "vm"):
            assert kind not in one or (one["pool"], one[kind]) in named[kind], one
    assert all(named[kind] for kind in ("pool", "host"))


def _labels(series: str) -> list[tuple[str, str]]:
    pairs = series.partition("{")[2].rstrip("}").split(",")
    return [(name, value.strip('"')) for name, _, value in (pair.partition("=") for pair in pairs)]


def test_promtool_accepts_the_shipped_prometheus_configuration(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text((DOCS / "prometheus.yml").read_text())
    (tmp_path / "xenha-rules.yml").write_text(render())
    done = _run("promtool", "check", "config", str(tmp_path / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RULES)} rules found" in done.stdout


def test_amtool_accepts_the_shipped_alertmanager_configuration() -> None:
    done = _run("amtool", "check-config", str(DOCS / "alertmanager.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
