"""`xenha explain`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_people_read_what_limits_the_figure(xenha):
    done = xenha("explain", str(DOCS / "trap.json"))
    assert (done.code, done.err) == (0, "")
    assert "What limits it: the loss of ant, bee, dog" in done.out
    assert (
        "3 protected VMs would have to restart and need 18 GiB; 7 GiB are free on the other hosts, of which "
        "these VMs can fill 6 GiB: 12 GiB too little, however they are placed"
    ) in done.out
    assert "1 VM of at least 8 GiB would have to restart where db may run" in done.out
    assert "One after the other: survives 1, fewer than at once" in done.out
    assert "ant, then one of bee, cat, dog" in done.out
    assert "when ant, then dog fail has no place left for a VM of 8 GiB" in done.out


def test_a_greedy_packing_is_told_apart(xenha):
    done = xenha("explain", str(DOCS / "greedy.json"))
    assert "One after the other: survives 1; the same as at once" in done.out
    assert "xapi's own rule: survives 0: it packs the largest VM onto the roomiest host first" in done.out
    assert done.out.rstrip().endswith("another placement has one")


def test_programs_read_the_contract(xenha, file_of, pool):
    (answer,) = xenha("explain", file_of(pool), "--json").json
    assert answer["format"] == "xenha-explain/1"
    assert answer["limits"]["reason"] == "all_hosts"
    assert answer["limits"]["left"] == []
    assert answer["xapi"]["causes"] == []


def test_a_vm_that_can_run_nowhere_else_is_named(xenha, file_of, stuck):
    done = xenha("explain", file_of(stuck))
    assert "What limits it: the loss of host-1" in done.out
    assert "none is a candidate" in done.out
    assert "survives 2" in done.out
    assert (
        "1 protected VM cannot run on every host (vm-1), and one such VM makes its figure 0" not in done.out
    )
    assert "xapi's own rule: survives 0; the same" in done.out


def test_hosts_and_majority_are_limits_too(xenha, file_of, pool):
    assert "Only the loss of all of them is not survived" in xenha("explain", file_of(pool)).out
    clustered = replace(pool, quorum="majority")
    assert "What limits it: the majority" in xenha("explain", file_of(clustered)).out


def test_what_is_down_already_is_a_limit(xenha, file_of, pool):
    huge = replace(pool.vms[0], power_state="Halted", resident_on=None, memory_static_max_bytes=99 * 2**30)
    done = xenha("explain", file_of(replace(pool, vms=(huge, *pool.vms[1:]))))
    assert "What limits it: what is down already" in done.out
    assert "it never asks whether what is down now can start" in done.out


def test_nothing_protected_is_said(xenha, file_of, pool):
    done = xenha("explain", file_of(replace(pool, vms=())))
    assert done.code == 0
    assert "no VM is protected" in done.out
