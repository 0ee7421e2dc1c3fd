"""Evidence: carrier of links, gateways of interfaces, answers to pings."""

from __future__ import annotations

import os
import selectors
import socket
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hacore.config import Network
from hacore.edge.evidence import (
    Arbiters,
    Carriers,
    Place,
    checksum,
    is_answer,
    is_running,
    places_in,
    ports_of,
)

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets need root")
ROUTE = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
eth1	00000000	FE0200C0	0003	0	0	0	00000000	0	0	0
eth0	00000000	00000000	0001	0	0	0	00000000	0	0	0
"""
ROUTE6 = (
    f"{'0' * 32} 00 {'0' * 32} 00 fe80{'0' * 27}1 00000400 00000001 00000000 00000003     eth0\n"
    f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200       lo\n"
    f"20010db8{'0' * 24} 40 {'0' * 32} 00 {'0' * 32} 00000100 00000001 00000000 00000001     eth0\n"
)


def network(interface: str, links: tuple[str, ...] = ()) -> Network:
    return Network("net", interface, 694, "inet", links)


def test_carrier_of_what_is_there_and_what_is_not() -> None:
    networks = (network("lo"), network("nosuchif0"), network(""), network("nosuchif0", ("nosuchif1", "lo")))
    carriers = Carriers(networks)
    assert carriers.read() == (True, False, None, True)
    carriers.close()


@pytest.mark.parametrize(
    ("flags", "running"), [(0x1043, True), (0x1003, False), (0x1002, False), (0x42, False)]
)
def test_an_interface_without_carrier_or_switched_off_does_not_run(flags: int, running: bool) -> None:
    assert is_running(flags) is running


def test_what_is_no_bridge_has_no_ports() -> None:
    assert ports_of("lo") == ()
    assert ports_of("nosuchif0") == ()


def test_default_gateways_of_the_heartbeat_interfaces(tmp_path: Path) -> None:
    (tmp_path / "route").write_text(ROUTE)
    (tmp_path / "route6").write_text(ROUTE6)
    paths = (str(tmp_path / "route"), str(tmp_path / "route6"))
    assert places_in({"eth0"}, *paths) == [Place("192.0.2.1", "eth0"), Place("fe80::1", "eth0")]
    assert places_in({"eth1"}, *paths) == [Place("192.0.2.254", "eth1")]
    assert places_in({"eth0"}, str(tmp_path / "none"), str(tmp_path / "none")) == []


@ROOT_ONLY
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_an_arbiter_that_answers_is_reached(address: str) -> None:
    selector = selectors.DefaultSelector()
    now = [10**9]
    arbiters = Arbiters([Place(address, "")], selector, lambda: now[0])
    assert arbiters.reached(10**9) == 0
    arbiters.ping()
    while not arbiters.reached(10**9):
        ready = selector.select(60)
        assert ready, "no answer"
        for key, events in ready:
            key.data(events)
    assert arbiters.problem == ""
    now[0] += 2 * 10**9
    assert arbiters.reached(10**9) == 0
    arbiters.close()
    selector.close()


@ROOT_ONLY
def test_one_that_does_not_answer_is_not_reached_and_no_problem() -> None:
    selector = selectors.DefaultSelector()
    arbiters = Arbiters([Place("192.0.2.1", "lo"), Place("127.0.0.1", "nosuchif0")], selector, lambda: 10**9)
    arbiters.ping()
    arbiters.ping()
    assert arbiters.reached(10**9) == 0
    assert arbiters.problem == ""
    arbiters.close()
    selector.close()


def reply(kind: int, token: bytes, *, header: bool) -> bytes:
    packet = struct.pack("!BBHHH8s", kind, 0, 0, 1, 1, token)
    return b"\x45" + bytes(19) + packet if header else packet


@pytest.mark.parametrize(
    ("family", "data", "answer"),
    [
        (socket.AF_INET, reply(0, b"ourtoken", header=True), True),
        (socket.AF_INET, reply(0, b"ourtoken", header=False), True),
        (socket.AF_INET, reply(8, b"ourtoken", header=True), False),
        (socket.AF_INET, reply(0, b"anothers", header=True), False),
        (socket.AF_INET6, reply(129, b"ourtoken", header=False), True),
        (socket.AF_INET6, reply(128, b"ourtoken", header=False), False),
        (socket.AF_INET, b"", False),
        (socket.AF_INET, b"\x4f\x00", False),
    ],
)
def test_only_the_answer_to_our_own_ping_counts(family: int, data: bytes, answer: bool) -> None:
    assert is_answer(data, family, b"ourtoken") is answer


@given(st.binary(max_size=64))
def test_nothing_breaks_the_reader(data: bytes) -> None:
    is_answer(data, socket.AF_INET, b"ourtoken")
    is_answer(data, socket.AF_INET6, b"ourtoken")


@given(st.binary(min_size=2, max_size=64).filter(lambda data: len(data) % 2 == 0))
def test_a_packet_with_its_checksum_sums_up_to_nothing(data: bytes) -> None:
    assert checksum(data + checksum(data).to_bytes(2, "big")) == 0
