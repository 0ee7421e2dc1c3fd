"""A change of a pool equals changing its pool file by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lab.pools import GIB, small_pool
from planner.changes.apply import apply
from planner.changes.change import parse_change
from planner.changes.errors import ChangeError
from planner.inventory.poolfile import dump_pool, read_pool
from planner.model import Pool

File = dict[str, Any]


def vm(file: File, uuid: str) -> dict[str, Any]:
    return next(vm for vm in file["vms"] if vm["uuid"] == uuid)


def edited(pool: Pool, edit: Callable[[File], object]) -> Pool:
    file = json.loads(dump_pool(pool))
    edit(file)
    return read_pool(json.dumps(file).encode(), "by hand")


def run_spare(file: File) -> None:
    vm(file, "vm-spare").update(power_state="Running", resident_on="host-b", ha_always_run=True)


def stop_app(file: File) -> None:
    vm(file, "vm-0").update(power_state="Halted", ha_always_run=False)
    vm(file, "vm-0").pop("resident_on")


def add_new(file: File) -> None:
    new = {"uuid": "n", "name": "n", "memory_static_max_bytes": GIB, "resident_on": "host-a"}
    file["vms"].append(new | {"ha_restart_priority": "restart"})


def add_host(file: File) -> None:
    file["hosts"].append({"uuid": "host-d", "name": "host-d", "memory_total_bytes": GIB})


def remove_host(file: File) -> None:
    file["hosts"] = [host for host in file["hosts"] if host["uuid"] != "host-c"]
    for each in file["vms"]:
        if each.get("resident_on") == "host-c":
            each.pop("resident_on")
            each["power_state"] = "Halted"


BY_HAND: dict[str, Callable[[File], object]] = {
    "start=spare@b": run_spare,
    "stop=app-0": stop_app,
    "migrate=app-0@c": lambda file: vm(file, "vm-0").update(resident_on="host-c"),
    "memory=app-0:9GiB": lambda file: vm(file, "vm-0").update(memory_static_max_bytes=9 * GIB),
    "priority=app-0:best-effort": lambda file: vm(file, "vm-0").update(
        ha_restart_priority="best-effort", ha_always_run=False
    ),
    "priority=app-0:none": lambda file: vm(file, "vm-0").update(ha_restart_priority="", ha_always_run=False),
    "priority=usb:restart": lambda file: vm(file, "vm-usb").update(
        ha_restart_priority="restart", ha_always_run=False
    ),
    "new=n:1GiB@a:restart": add_new,
    "disable=a": lambda file: file["hosts"][0].update(enabled=False),
    "add-host=host-d:1GiB": add_host,
    "unplug-sr=SAN@a": lambda file: file["srs"][0].update(hosts=["host-b", "host-c"]),
    "unplug-network=Lab@a": lambda file: file["networks"][1].update(hosts=["host-b"]),
}


@pytest.mark.parametrize("text", BY_HAND)
def test_a_change_equals_an_edit(text):
    pool = small_pool()
    assert apply(pool, parse_change(text)) == edited(pool, BY_HAND[text])


def test_a_dead_host_is_removed_with_what_it_lost():
    pool = edited(small_pool(), lambda file: file["hosts"][2].update(live=False))
    assert apply(pool, parse_change("remove-host=c")) == edited(pool, remove_host)


def test_a_disabled_host_is_enabled_again():
    pool = small_pool()
    assert apply(apply(pool, parse_change("disable=a")), parse_change("enable=host-a")) == pool


def test_a_new_host_reaches_what_all_others_reach():
    pool = edited(small_pool(), lambda file: file["srs"][0].update(hosts=["host-a", "host-b", "host-c"]))
    after = apply(pool, parse_change("add-host=d:1GiB"))
    assert after.sr_by_uuid["sr-san"].hosts == ("host-a", "host-b", "host-c", "d")
    assert after.sr_by_uuid["sr-local"].hosts == ("host-a",)
    assert after.network_by_uuid["net-lab"].hosts == ("host-a", "host-b")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("start=app-0@b", "app-0 is Running already"),
        ("start=nobody@b", "no such VM: nobody; expected a uuid or unique name"),
        ("start=spare@z", "no such host: z; expected a uuid or unique name"),
        ("start=big@a", "a lacks 53248 MiB of free memory for it"),
        ("start=local@b", "b does not reach what local needs: sr sr-local"),
        ("start=lab@c", "c does not reach what lab needs: network net-lab"),
        ("start=usb@b", "b does not reach what usb needs: device"),
        ("stop=usb", "usb is halted already"),
        ("migrate=usb@b", "usb does not run anywhere"),
        ("migrate=app-0@a", "app-0 is on a already"),
        ("memory=app-0:100GiB", "a lacks 45056 MiB of free memory for it"),
        ("new=usb:1GiB@a", "there is a VM usb already"),
        ("add-host=a:1GiB", "there is a host a already"),
        ("remove-host=a", "2 VMs of a would have to move first"),
        ("enable=a", "a is enabled already"),
        ("unplug-sr=Local@b", "Local is not plugged on b"),
    ],
)
def test_what_cannot_be_done_says_why(text, problem):
    with pytest.raises(ChangeError) as refused:
        apply(small_pool(), parse_change(text))
    assert str(refused.value) == f"{text}: {problem}"


def test_nothing_starts_on_a_host_out_of_service():
    pool = apply(small_pool(), parse_change("disable=b"))
    with pytest.raises(ChangeError, match=r"b is disabled$"):
        apply(pool, parse_change("start=spare@b"))
    with pytest.raises(ChangeError, match=r"b is disabled already$"):
        apply(pool, parse_change("disable=b"))


def test_a_name_that_two_have_means_neither():
    pool = edited(small_pool(), lambda file: vm(file, "vm-1").update(name="app-0"))
    with pytest.raises(ChangeError, match=r"2 have the name app-0; use a uuid: vm-0, vm-1$"):
        apply(pool, parse_change("stop=app-0"))


def test_an_overcommitted_host_pays_back_first():
    """Free memory below 0 counts as 0 in the figure, but what leaves the host does not make room twice."""
    pool = edited(small_pool(), lambda file: file["hosts"][0].update(memory_total_bytes=10 * GIB))
    with pytest.raises(ChangeError, match="a lacks 2048 MiB"):
        apply(apply(pool, parse_change("stop=app-0")), parse_change("new=n:4GiB@a"))
