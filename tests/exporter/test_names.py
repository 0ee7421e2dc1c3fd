"""Names of hosts, in the order people expect."""

from __future__ import annotations

from exporter.names import host_name, host_names, natural
from planner.model import Host, Pool


def test_names_are_sorted_as_people_count() -> None:
    names = ["host-10", "Host-2", "host-1", "", "10", "9" * 40, "²", "a²"]
    assert sorted(names, key=natural)[-3:] == ["Host-2", "host-10", "²"]
    assert sorted(names, key=natural)[0] == ""


def test_hosts_are_told_by_name_whatever_their_uuids() -> None:
    pool = Pool("p", hosts=(Host("a", 1, "host-10"), Host("b", 1, "host-9"), Host("c", 1)))
    assert host_names(pool, ("a", "c", "b", "gone")) == ["c", "gone", "host-9", "host-10"]


def test_a_name_of_which_nothing_is_seen_is_none() -> None:
    pool = Pool("p", hosts=(Host("a", 1, " \t\u2003"), Host("b", 1, " b ")))
    assert (host_name(pool, "a"), host_name(pool, "b")) == ("a", " b ")
