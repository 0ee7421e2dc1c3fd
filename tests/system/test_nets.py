"""Cables, switches and lost packets with the real kernel: who hears whom, and who has carrier."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from lab.cluster.nets import Nets, address, gateway, make_nets, run

GATEWAY = -1
RECEIVER = """
import socket, sys
door = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
door.bind((sys.argv[1], 6940))
print("ready", flush=True)
door.settimeout(0.5)
try:
    door.recv(16)
    print("heard")
except TimeoutError:
    print("nothing")
"""
SENDER = """
import socket, sys
door = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
door.sendto(b"hello", (sys.argv[1], 6940))
"""


@pytest.fixture
def nets(undo):
    return make_nets(3, 2, undo)


def reaches(nets: Nets, sender: int, receiver: int, network: int = 0) -> bool:
    """Tell whether a datagram of one host arrives at another; GATEWAY: at the switch."""
    there = nets.switches if receiver == GATEWAY else nets.namespace(receiver)
    target = gateway(network) if receiver == GATEWAY else address(receiver, network)
    with subprocess.Popen(inside(there, RECEIVER, target), stdout=subprocess.PIPE, text=True) as listener:
        listener.stdout.readline()
        subprocess.run(inside(nets.namespace(sender), SENDER, target), check=False, stderr=subprocess.DEVNULL)
        return listener.stdout.readline() == "heard\n"


def inside(namespace: str, script: str, target: str) -> tuple[str, ...]:
    return ("ip", "netns", "exec", namespace, sys.executable, "-I", "-S", "-c", script, target)


def carrier(nets: Nets, host: int, link: str = "eth0") -> str:
    shown = run("ip", "-n", nets.namespace(host), "-o", "link", "show", link)
    return "down" if "NO-CARRIER" in shown or "state DOWN" in shown else "up"


def eventually(what) -> bool:
    pause = threading.Event()
    return any(what() or pause.wait(0.05) for _ in range(100))


def test_everybody_reaches_everybody_and_the_gateway_on_both_networks(nets):
    for network in range(2):
        assert all(reaches(nets, 0, other, network) for other in (1, 2))
        assert reaches(nets, 1, GATEWAY, network)


def test_a_cable_pulled_at_the_switch_takes_carrier_and_comes_back(nets):
    nets.unplug_at_switch(1)
    assert eventually(lambda: carrier(nets, 1) == "down")
    assert carrier(nets, 0) == "up"
    assert not reaches(nets, 0, 1)
    assert reaches(nets, 0, 1, network=1), "the other network is another cable"
    nets.plug_at_switch(1)
    assert eventually(lambda: carrier(nets, 1) == "up")
    assert reaches(nets, 0, 1)


def test_an_interface_taken_down_comes_back_with_its_route(nets):
    nets.unplug_at_host(1)
    assert not reaches(nets, 0, 1)
    nets.plug_at_host(1)
    assert reaches(nets, 1, GATEWAY)
    assert "default" in run("ip", "-n", nets.namespace(1), "route")


def test_a_dead_switch_leaves_carrier_and_nothing_else(nets):
    nets.kill_switch()
    assert not reaches(nets, 0, 1)
    assert not reaches(nets, 0, GATEWAY)
    assert carrier(nets, 0) == "up"
    assert reaches(nets, 0, 1, network=1)
    nets.revive_switch()
    assert eventually(lambda: reaches(nets, 0, 1))


def test_loss_has_a_direction(nets):
    nets.lose(0, 1)
    assert not reaches(nets, 0, 1)
    assert not reaches(nets, 0, 1, network=1)
    assert reaches(nets, 1, 0)
    assert reaches(nets, 2, 1)
    nets.heal(1)
    assert reaches(nets, 0, 1)
