"""`xenha tolerance`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.model import VMGroup


def test_people_read_figure_target_and_witness(xenha, file_of, pool):
    done = xenha("tolerance", file_of(pool))
    assert (done.code, done.err) == (0, "")
    assert "OK: survives any 2 host failures at once (proven), target 2" in done.out
    assert "no host would be left" in done.out


def test_programs_read_the_contract(xenha, file_of, pool):
    done = xenha("tolerance", file_of(pool), "--json")
    (answer,) = done.json
    assert answer["format"] == "xenha-tolerance/1"
    assert answer["pool"] == {"uuid": "p", "name": "small"}
    assert (answer["simultaneous"]["lower"], answer["simultaneous"]["upper"]) == (2, 2)
    assert answer["overcommitted"] is False


def test_an_enforced_group_counts_without_being_asked_for(xenha, file_of, pool):
    group = VMGroup("g", "anti_affinity", enforced=True)
    hosts = [host.uuid for host in pool.hosts]
    one = replace(pool.vms[0], ha_restart_priority="restart", ha_always_run=True, memory_static_max_bytes=1)
    apart = tuple(replace(one, uuid=f"v{host}", resident_on=host, groups=("g",)) for host in hosts)
    done = xenha("tolerance", file_of(replace(pool, groups=(group,), vms=apart)), "--json")
    assert (done.code, done.err) == (0, "")
    figure = done.json[0]["simultaneous"]
    assert (figure["lower"], figure["upper"], figure["witness"]["reason"]) == (0, 0, "affinity")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--vcpus-per-core", "0"), "--vcpus-per-core '0': expected vCPUs per core, above 0"),
        (("--vcpus-per-core", "many"), "--vcpus-per-core 'many': expected vCPUs per core"),
        (("--memory-policy", "least"), "--memory-policy 'least': expected static-max or dynamic-min"),
        (("--reserve", "much"), "--reserve 'much': expected a size above 0"),
    ],
)
def test_what_counts_is_refused_in_a_line(xenha, file_of, pool, options, problem):
    done = xenha("tolerance", file_of(pool), *options)
    assert done.code == 2
    assert problem in done.err
    assert done.err.count("\n") == 1


def test_a_reserve_and_vcpus_count_when_asked_for(xenha, file_of, pool):
    whole = max(host.memory_total_bytes for host in pool.hosts)
    done = xenha("tolerance", file_of(pool), "--reserve", str(whole), "--json")
    assert done.json[0]["simultaneous"]["upper"] <= 0
    done = xenha("tolerance", file_of(pool), "--vcpus-per-core", "4", "--json")
    assert "with unknown cpus: no room for vCPUs is counted there" in done.err
    assert done.json[0]["simultaneous"]["witness"]["reason"] in ("cpu", "all_hosts")


def test_the_target_can_be_given(xenha, file_of, pool):
    done = xenha("tolerance", file_of(pool), "--target", "3", "--json")
    assert (done.json[0]["target"], done.json[0]["overcommitted"]) == (3, True)
    assert done.code == 0, "overcommitted is an answer; only `check` makes it a code"


def test_many_sources_one_line_each_in_order_and_the_largest_code(xenha, file_of, pool, tmp_path):
    first, second = file_of(pool, "a.json"), file_of(replace(pool, uuid="q"), "b.json")
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    done = xenha("tolerance", first, str(broken), second, "--json")
    assert [answer.get("pool", {}).get("uuid") for answer in done.json] == ["p", None, "q"]
    assert str(broken) in done.json[1]["error"]
    assert done.code == 2
    assert done.err.count("\n") == 1


def test_a_pool_that_cannot_be_reached_outweighs_bad_input(xenha, file_of, pool, monkeypatch):
    monkeypatch.setenv("XENHA_PASSWORD", "secret")
    done = xenha("tolerance", "missing.json", "http://root@127.0.0.1:9", file_of(pool), "--json")
    assert done.code == 3
    assert ["error" in answer for answer in done.json] == [True, True, False]


@pytest.mark.parametrize("limit", ["-1", "nan", "inf", "soon"])
def test_absurd_limits_are_refused(xenha, file_of, pool, limit):
    done = xenha("tolerance", file_of(pool), "--limit", limit)
    assert done.code == 2
    assert "--limit" in done.err
