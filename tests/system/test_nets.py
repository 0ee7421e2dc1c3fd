"""Cables, switches and lost packets with the real kernel: who hears whom, and who has carrier."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.cluster.nets import Nets, address, gateway, make_nets, run

GATEWAY = -1
PATIENCE_SECONDS = 20.0
A_WHILE_SECONDS = 0.3
"""For so long nothing is heard where nothing is."""
RECEIVER = """
import socket, sys
door = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
door.bind((sys.argv[1], 6940))
print("ready", flush=True)
door.settimeout(float(input()))
try:
    door.recv(16)
    print("heard")
except TimeoutError:
    print("nothing")
"""
SENDER = """
import contextlib, select, socket, sys
door = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
while True:
    with contextlib.suppress(OSError):
        door.sendto(b"hello", (sys.argv[1], 6940))
    print("sent", flush=True)
    select.select([], [], [], 0.05)
"""


@pytest.fixture
def nets(undo):
    return make_nets(3, 2, undo)


def reaches(nets: Nets, sender: int, receiver: int, network: int = 0) -> bool:
    """Tell whether datagrams of one host arrive at another, sooner or later; GATEWAY: at the switch."""
    return heard(nets, sender, receiver, network, PATIENCE_SECONDS)


def cut_off(nets: Nets, sender: int, receiver: int, network: int = 0) -> bool:
    """Tell whether no datagram of one host arrives at another for a while."""
    return not heard(nets, sender, receiver, network, A_WHILE_SECONDS)


def heard(nets: Nets, sender: int, receiver: int, network: int, seconds: float) -> bool:
    there = nets.switches if receiver == GATEWAY else nets.namespace(receiver)
    target = gateway(network) if receiver == GATEWAY else address(receiver, network)
    with (
        started(inside(there, RECEIVER, target)) as listener,
        started(inside(nets.namespace(sender), SENDER, target)) as speaker,
    ):
        assert listener.stdout.readline() == "ready\n"
        assert speaker.stdout.readline() == "sent\n"
        listener.stdin.write(f"{seconds}\n")
        listener.stdin.flush()
        return listener.stdout.readline() == "heard\n"


@contextmanager
def started(command: tuple[str, ...]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def inside(namespace: str, script: str, target: str) -> tuple[str, ...]:
    return ("ip", "netns", "exec", namespace, sys.executable, "-I", "-S", "-c", script, target)


def carrier(nets: Nets, host: int, link: str = "eth0") -> str:
    shown = run("ip", "-n", nets.namespace(host), "-o", "link", "show", link)
    return "down" if "NO-CARRIER" in shown or "state DOWN" in shown else "up"


def eventually(what) -> bool:
    pause = threading.Event()
    return any(what() or pause.wait(0.05) for _ in range(int(20 * PATIENCE_SECONDS)))


def test_everybody_reaches_everybody_and_the_gateway_on_both_networks(nets):
    for network in range(2):
        assert all(reaches(nets, 0, other, network) for other in (1, 2))
        assert reaches(nets, 1, GATEWAY, network)


def test_a_cable_pulled_at_the_switch_takes_carrier_and_comes_back(nets):
    nets.unplug_at_switch(1)
    assert eventually(lambda: carrier(nets, 1) == "down")
    assert carrier(nets, 0) == "up"
    assert cut_off(nets, 0, 1)
    assert reaches(nets, 0, 1, network=1), "the other network is another cable"
    nets.plug_at_switch(1)
    assert eventually(lambda: carrier(nets, 1) == "up")
    assert reaches(nets, 0, 1)


def test_an_interface_taken_down_comes_back_with_its_route(nets):
    nets.unplug_at_host(1)
    assert cut_off(nets, 0, 1)
    nets.plug_at_host(1)
    assert reaches(nets, 1, GATEWAY)
    assert "default" in run("ip", "-n", nets.namespace(1), "route")


def test_a_dead_switch_leaves_carrier_and_nothing_else(nets):
    nets.kill_switch()
    assert cut_off(nets, 0, 1)
    assert cut_off(nets, 0, GATEWAY)
    assert carrier(nets, 0) == "up"
    assert reaches(nets, 0, 1, network=1)
    nets.revive_switch()
    assert reaches(nets, 0, 1)


def test_loss_has_a_direction(nets):
    nets.lose(0, 1)
    assert cut_off(nets, 0, 1)
    assert cut_off(nets, 0, 1, network=1)
    assert reaches(nets, 1, 0)
    assert reaches(nets, 2, 1)
    nets.heal(1)
    assert reaches(nets, 0, 1)
