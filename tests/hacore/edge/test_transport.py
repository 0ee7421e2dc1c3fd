"""Sockets of heartbeat networks: bound where they should be, renewed when an interface was gone."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from hacore.config import Config, Host, Network, WatchdogSettings
from hacore.core.timing import timing
from hacore.edge.transport import Networks, interface_index, open_socket, peer_address, reason
from tests.held import held_datagram_port, own_address

ANY_PORT = 0


def network(**values: object) -> Network:
    return replace(Network("net", "", ANY_PORT, "inet", ()), **values)  # type: ignore[arg-type]


def config(*networks: Network, addresses: tuple[str, ...]) -> Config:
    host = Host("00000000-0000-0000-0000-000000000001", "one", addresses, 1)
    return Config(
        path="x",
        host=0,
        hosts=(host,),
        networks=networks,
        generation="00000000-0000-0000-0000-000000000009",
        incarnation=1,
        timing=timing(10 * 10**9, 10**9),
        statefile="x",
        metadata="",
        key=bytes(32),
        control_socket="x",
        journal="",
        isolation="evidence",
        quorum="disk",
        watchdog=WatchdogSettings("null", "", 0),
        arbiters=(),
        lab=True,
        fencing=False,
    )


@pytest.mark.parametrize(("family", "address"), [("inet", "127.0.0.1"), ("inet6", "::1")])
def test_packets_go_from_one_to_the_other(family: str, address: str) -> None:
    with (
        open_socket(network(family=family), address) as one,
        open_socket(network(family=family), address) as two,
    ):
        one.sendto(b"beat", two.getsockname()[:2])
        two.settimeout(60)
        assert two.recv(10) == b"beat"


def test_an_address_that_is_not_up_yet_can_be_bound() -> None:
    with open_socket(network(), "192.0.2.77") as found:
        assert found.getsockname()[0] == "192.0.2.77"


def test_with_an_interface_any_address_of_it_will_do() -> None:
    with open_socket(network(interface="lo"), "192.0.2.77") as found:
        assert found.getsockname()[0] == "0.0.0.0"
        assert found.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == b"lo"


def test_a_socket_is_opened_once() -> None:
    networks = Networks(config(network(), addresses=("127.0.0.1",)))
    used: list[tuple[int, int | None]] = []
    networks.renew(lambda number, descriptor: used.append((number, descriptor)))
    networks.renew(lambda number, descriptor: used.append((number, descriptor)))
    assert len(used) == 1
    assert used[0][1] is not None
    assert networks.problems == [""]
    networks.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(used[0][1])


def test_an_interface_that_is_not_there_is_named_and_costs_only_its_network() -> None:
    networks = Networks(
        config(network(interface="nosuchif0"), network(name="b"), addresses=("127.0.0.1", "127.0.0.1"))
    )
    used: list[tuple[int, int | None]] = []
    networks.renew(lambda number, descriptor: used.append((number, descriptor)))
    assert [number for number, _ in used] == [1]
    assert networks.problems == ["net: there is no interface nosuchif0", ""]
    networks.close()


def test_an_address_that_this_host_lacks_is_named_and_may_still_come() -> None:
    used: list[tuple[int, int | None]] = []
    networks = Networks(config(network(), addresses=("192.0.2.77",)))
    for _ in range(2):
        networks.renew(lambda number, descriptor: used.append((number, descriptor)))
        assert networks.problems == ["net: 192.0.2.77 is no address of this host"]
    assert len(used) == 1
    networks.close()


def test_a_taken_port_is_named() -> None:
    with held_datagram_port() as held:
        port = held.getsockname()[1]
        address = own_address(port, 1)
        networks = Networks(config(network(port=port), addresses=(address,)))
        with open_socket(network(port=port), address):
            networks.renew(lambda _number, _descriptor: None)
            assert networks.problems == [f"net: UDP port {port} on its address is taken by another program"]
        networks.renew(lambda _number, _descriptor: None)
        assert networks.problems == [""]
        networks.close()


def test_reasons_are_words() -> None:
    assert reason(OSError(errno.EPERM, ""), network(port=694)).endswith("needs more rights")
    assert reason(OSError(errno.ENOBUFS, ""), network()) == "No buffer space available"


def test_link_local_peers_get_a_scope() -> None:
    six = network(family="inet6", interface="lo", port=694)
    assert peer_address(six, "fe80::1") == ("fe80::1%lo", 694)
    assert peer_address(six, "2001:db8::1") == ("2001:db8::1", 694)


def test_interfaces_have_numbers() -> None:
    assert interface_index("lo") == int(Path("/sys/class/net/lo/ifindex").read_text())
    assert interface_index("nosuchif0") == 0
