"""`xenha check`: one line and a code for monitoring."""

from __future__ import annotations

import re
from dataclasses import replace

PERFORMANCE = re.compile(r"[\w]+=-?[\d.]+[a-z]*;[^; ]*;[^; ]*;[^; ]*;[^; ]*")
"""label=value[unit];warn;crit;min;max, as the monitoring plugins' guidelines have it."""


def test_a_pool_that_keeps_its_target(xenha, file_of, pool):
    done = xenha("check", file_of(pool))
    assert (done.code, done.err) == (0, "")
    (line,) = done.out.splitlines()
    status, performance = line.split(" | ")
    assert status == "OK: survives any 2 host failures at once (proven), target 2, pool small"
    assert all(PERFORMANCE.fullmatch(each) for each in performance.split(" ")), performance
    assert performance.startswith("tolerance_lower=2;2:;2:;-1;3 ")


def test_an_overcommitted_pool_says_without_whom(xenha, file_of, stuck):
    done = xenha("check", file_of(stuck))
    assert done.code == 1
    assert done.out.startswith("OVERCOMMITTED: survives no host failure (proven), target 2")
    assert "not without host-1 (1 VM cannot restart: " in done.out


def test_without_a_target_nobody_can_say(xenha, file_of, pool):
    done = xenha("check", file_of(replace(pool, ha_enabled=False)))
    assert done.code == 4
    assert "no target is set" in done.out
    assert xenha("check", file_of(replace(pool, ha_enabled=False)), "--target", "2").code == 0


def test_errors_stand_where_monitoring_looks(xenha, tmp_path, monkeypatch):
    missing = str(tmp_path / "pool.json")
    done = xenha("check", missing)
    assert (done.code, done.out.count("\n"), done.err.count("\n")) == (2, 1, 1)
    assert done.out.startswith(f"BAD INPUT: {missing}: ")
    monkeypatch.setenv("XENHA_PASSWORD", "secret")
    done = xenha("check", "http://root@127.0.0.1:9")
    assert done.code == 3
    assert done.out.startswith("UNREACHABLE: ")


def test_a_bar_in_a_name_does_not_end_the_status(xenha, file_of, pool):
    done = xenha("check", file_of(replace(pool, name="a|b\nc")))
    assert done.out.count("|") == 1
    assert done.out.count("\n") == 1


def test_programs_read_the_tolerance(xenha, file_of, pool, tmp_path):
    assert xenha("check", file_of(pool), "--json").json[0]["format"] == "xenha-tolerance/1"
    assert "error" in xenha("check", str(tmp_path / "gone.json"), "--json").json[0]
