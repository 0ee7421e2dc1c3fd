"""The words for faults of the disk."""

from __future__ import annotations

import pytest

from lab.cluster.faults import Act, BadFaultError, Fault, parse_fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("ok", Fault()),
        ("eio", Fault(Act("eio"), Act("eio"))),
        ("delay:250", Fault(Act("delay", 250), Act("delay", 250))),
        ("gone", Fault(Act("gone"), Act("gone"))),
        ("write=eio", Fault(write=Act("eio"))),
        ("read=hang", Fault(read=Act("hang"))),
        ("write=torn read=delay:5", Fault(Act("delay", 5), Act("torn"))),
        ("write=ghost:500", Fault(write=Act("ghost", 500))),
    ],
)
def test_a_fault_is_read_and_said_alike(text, fault):
    assert parse_fault(text) == fault
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize(
    "text",
    [
        "",
        "broken",
        "delay",
        "delay:",
        "delay:-1",
        "delay:1.5",
        "delay:601000",
        "eio:5",
        "torn",
        "ghost:5",
        "read=torn",
        "read=ghost:5",
        "read=gone",
        "write=gone",
        "write",
        "eio hang",
        "disk=eio",
        "write=",
    ],
)
def test_what_is_no_fault_is_refused_with_what_was_expected(text):
    with pytest.raises(BadFaultError, match="expected"):
        parse_fault(text)
