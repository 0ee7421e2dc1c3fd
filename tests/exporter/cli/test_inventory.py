"""`xenha inventory` and `xenha diagnose`."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

from planner.inventory.poolfile import load_pool, schema


def test_people_see_hosts_and_memory(xenha, file_of, stuck):
    done = xenha("inventory", file_of(stuck))
    assert (done.code, done.err) == (0, "")
    assert "Pool small: 3 hosts, target 2" in done.out
    assert "1 protected VM cannot run on every host" in done.out
    assert any(line.split()[:5] == ["host-1", "in", "service", "32", "GiB"] for line in done.out.splitlines())


def test_a_written_pool_is_the_pool(xenha, file_of, stuck, tmp_path):
    copy = tmp_path / "copy.json"
    done = xenha("inventory", file_of(stuck), "-o", str(copy))
    assert (done.code, done.out, done.err) == (0, "", "")
    assert load_pool(copy) == stuck
    assert list(tmp_path.glob(".*")) == [], "nothing unfinished is left behind"


def test_json_and_a_file_named_dash_are_the_pool_file(xenha, file_of, pool):
    source = file_of(pool)
    text = Path(source).read_text()
    assert xenha("inventory", source, "--json").out == text
    assert xenha("inventory", source, "-o", "-").out == text
    assert xenha("inventory", source, "-o", "-", "--json").out == text


def test_a_link_stays_a_link_and_a_pipe_a_pipe(xenha, file_of, pool, tmp_path):
    source = file_of(pool)
    link, pipe = tmp_path / "link.json", tmp_path / "pipe"
    link.symlink_to("target.json")
    assert xenha("inventory", source, "-o", str(link)).code == 0
    assert link.is_symlink()
    assert load_pool(tmp_path / "target.json") == pool
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    assert xenha("inventory", source, "-o", str(pipe)).code == 0
    reader.join(60)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert read == [Path(source).read_text()]


def test_a_file_that_cannot_be_written_is_named(xenha, file_of, pool, tmp_path):
    for place in (tmp_path / "no" / "pool.json", tmp_path):
        done = xenha("inventory", file_of(pool), "-o", str(place))
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"xenha: {place}: ")


def test_the_schema_needs_no_source(xenha):
    done = xenha("inventory", "--schema")
    assert done.code == 0
    assert json.loads(done.out) == schema()
    assert xenha("inventory").code == 2


def test_diagnose_lists_protected_vms_that_are_not_agile(xenha, file_of, stuck, pool):
    done = xenha("diagnose", file_of(stuck))
    assert done.code == 0
    assert "vm-1 is not agile: it could start on host-1" in done.out
    assert "SR local is not shared" in done.out
    assert "does not reach SR local" in done.out
    assert "Every protected VM is agile" in xenha("diagnose", file_of(pool)).out


def test_diagnose_one_vm(xenha, file_of, stuck):
    done = xenha("diagnose", file_of(stuck), "--vm", "v1", "--vm", "vm-2", "--json")
    first, second = done.json
    assert (first["agile"], first["candidate_hosts"]) == (False, ["h1"])
    assert first["obstacles"][0] == {"host": "h2", "kind": "sr", "uuid": "s1"}
    assert (second["agile"], second["obstacles"]) == (True, [])
    assert xenha("diagnose", file_of(stuck), "--vm", "v1", "--vm", "vm-1", "--json").json == done.json[:1]
    assert "no such VM" in xenha("diagnose", file_of(stuck), "--vm", "vm-9").err
