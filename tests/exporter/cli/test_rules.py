"""`xenha rules`: the same rules for Prometheus and for programs."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from exporter.alerts import RULES


def test_json_holds_what_the_rule_file_holds(xenha):
    tree = json.loads(xenha("rules", "--json").out)
    entries = tree["groups"][0]["rules"]
    text = xenha("rules").out
    assert [entry["alert"] for entry in entries] == [rule.alert for rule in RULES]
    assert all(json.dumps(e["annotations"]["summary"], ensure_ascii=False) in text for e in entries)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_takes_the_json_too(xenha, tmp_path):
    rules = tmp_path / "rules.yml"
    assert xenha("rules", "--json", "-o", str(rules)).code == 0
    done = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True, check=False)
    assert f"{len(RULES)} rules found" in done.stdout, done.stderr


def test_hold_replaces_every_wait(xenha):
    entries = json.loads(xenha("rules", "--hold", "0s", "--json").out)["groups"][0]["rules"]
    assert {entry["for"] for entry in entries} == {"0s"}


@pytest.mark.parametrize("hold", ["", "soon", "1.5m", "-1m"])
def test_a_wait_that_is_none_is_refused_in_a_line(xenha, hold):
    done = xenha("rules", f"--hold={hold}")
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert "expected a duration such as 0s, 90s or 1h30m" in done.err
