"""The simulated network: bytes that are believed or not, several networks, hosts that move."""

from __future__ import annotations

from random import Random

import pytest

from hacore.records import PacketBody, State
from hacore.testing.network import Air, Rule
from hacore.testing.wire import NO_MARK, Said, Wire

BODY = PacketBody(7, State.MEMBER, 3, 0b11, True, True, 1, 0, 0b10, 0, 0)
SAID = Said(0, 5, (7, 1_000), BODY, [NO_MARK, (9, 800)])


class Ear:
    """A receiver that notes what it believes."""

    def __init__(self, air: Air) -> None:
        self.air, self.watched, self.reading = air, 0, True
        self.heard: list[tuple[int, int]] = []

    def receive(self, raw: bytes, network: int, came_ns: int) -> int:
        del came_ns
        read = self.air.wire.open(raw, 1, 9)
        if read is None:
            return -1
        self.heard.append((network, read.sequence))
        return read.sender

    def news(self) -> None: ...


@pytest.fixture
def due():
    return []


@pytest.fixture
def air(due):
    return Air(2, Random(1), lambda when, act, *values: due.append((act, values)), lambda: 10, networks=2)


def say(air, due, sequence):
    air.send(Said(0, sequence, (7, 1_000), BODY, SAID.echoes))
    while due:
        act, values = due.pop(0)
        act(*values)


def test_a_packet_is_read_as_it_was_sealed_and_echoes_the_right_boot():
    wire = Wire(2, Random(1))
    read = wire.open(wire.seal(SAID), 1, 9)
    assert (read.sender, read.sequence, read.stamp_ns, read.body, read.echo_ns) == (0, 5, 1_000, BODY, 800)
    assert wire.open(wire.seal(SAID), 1, 10).echo_ns == 0
    assert wire.open(wire.seal(SAID), 1, 9).body is read.body, "what does not change stays identical"


def test_what_is_forged_or_garbled_is_never_believed():
    wire = Wire(2, Random(1))
    raw = wire.seal(SAID)
    assert {wire.open(wire.forge(SAID), 1, 9) for _ in range(50)} == {None}
    assert {wire.open(wire.garble(raw), 1, 9) for _ in range(500)} == {None}


def test_one_network_of_two_is_enough(air, due):
    ear = Ear(air)
    air.attach(1, ear)
    air.add(Rule(0b01, 0b10, network=0))
    say(air, due, 1)
    assert ear.heard == [(1, 1)]
    assert air.connected(0, 1)
    air.add(Rule(0b01, 0b10, network=1))
    say(air, due, 2)
    assert ear.heard == [(1, 1)]
    assert not air.connected(0, 1)


def test_who_has_moved_is_found_again_once_it_was_heard(air, due):
    ear, mover = Ear(air), Ear(air)
    air.attach(1, ear)
    air.attach(0, mover)
    air.move(0b01)
    assert air.strayed[1] == 0b01, "host 1 does not know where host 0 is"
    say(air, due, 1)
    assert air.strayed[1] == 0


def test_two_that_move_do_not_find_each_other_before_they_are_told(air, due):
    ear = Ear(air)
    air.attach(1, ear)
    air.move(0b11)
    say(air, due, 1)
    assert ear.heard == []
    air.settle(0b11)
    air.add(Rule(0b01, 0b10, loss=0))
    say(air, due, 2)
    assert (0, 2) in ear.heard
