"""A machine with a real process group in it: what kills it, what does not, and what is written down."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import closing, suppress
from itertools import pairwise

import pytest

from hacore.clock import SystemClock
from lab.cluster.history import History
from lab.cluster.machine import Spec
from lab.cluster.undo import start_time

PATIENCE_SECONDS = 60.0
W_SECONDS = 0.3
ATTEMPTS = 10
TWO_SLEEPERS = ("/bin/sh", "-c", "sleep 1000 & sleep 1000")


class Machine:
    """The process and its buttons."""

    def __init__(self, folder, *, reboots=False, w_seconds=W_SECONDS) -> None:
        self.path = folder / "dog.sock"
        self.history = History(folder / "history", SystemClock())
        spec = Spec(0, TWO_SLEEPERS, str(self.path), w_seconds, reboots, str(self.history.path), "")
        self.process = subprocess.Popen(
            (sys.executable, "-m", "lab.cluster.machine", spec.write(folder / "machine.json")),
            stdin=subprocess.PIPE,
            text=True,
        )

    def press(self, button: str) -> None:
        self.process.stdin.write(f"{button}\n")
        self.process.stdin.flush()

    def off(self) -> None:
        with self.process:
            self.process.stdin.close()

    def door(self) -> socket.socket:
        """Open the watchdog."""
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        door.connect(str(self.path))
        return door

    def all(self, what: str):
        return [record for record in self.history.read() if record.what == what]

    def wait(self, what: str, times: int = 1):
        pause = threading.Event()
        for _ in range(int(PATIENCE_SECONDS * 100)):
            if len(found := self.all(what)) >= times:
                return found[times - 1]
            pause.wait(0.01)
        pytest.fail(f"no {what} in {self.history.read()}")

    def boot(self, times: int = 1) -> int:
        """Switch on and return the process group."""
        self.press("on")
        return self.wait("boot", times).values["group"]


@pytest.fixture
def machine(tmp_path, undo):
    made = Machine(tmp_path)
    yield made
    made.off()


@pytest.fixture
def patient(tmp_path, undo):
    """A machine whose watchdog fires when nobody cares any more."""
    made = Machine(tmp_path, w_seconds=1_000.0)
    yield made
    made.off()


@pytest.fixture
def rebooting(tmp_path, undo):
    made = Machine(tmp_path, reboots=True)
    yield made
    made.off()


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_crash_kills_everything_and_the_host_can_boot_again(machine):
    first = machine.boot()
    assert alive(first)
    machine.press("crash")
    down = machine.wait("down")
    assert (down.boot, down.values["why"]) == (1, "crash")
    assert not alive(first)
    machine.boot(2)
    assert [record.boot for record in machine.all("boot")] == [1, 2]
    assert len({record.values["boot_id"] for record in machine.all("boot")}) == 2


def test_nobody_pings_so_it_fires(machine):
    group = machine.boot()
    with closing(machine.door()):
        fence = machine.wait("fence")
        machine.wait("down")
    assert fence.values["why"] == "unpinged"
    assert not alive(group)
    armed = machine.wait("armed")
    assert fence.at_ns - armed.at_ns >= W_SECONDS * 10**9


def longest_silence(door: socket.socket) -> float:
    """Ping for twice W, say good-bye, and return for how long nothing was said at worst, in seconds."""
    clock, pause = SystemClock(), threading.Event()
    said_ns = [clock.monotonic_ns()]
    with closing(door), suppress(ConnectionError):  # it fires if we are elsewhere for W
        for letter in (*[b"\0"] * 20, b"V"):
            door.send(letter)
            said_ns.append(clock.monotonic_ns())
            pause.wait(W_SECONDS / 10)
    said_ns.append(clock.monotonic_ns())
    return max(later - before for before, later in pairwise(said_ns)) / 10**9


def test_pings_keep_it_quiet_and_the_magic_letter_stops_it(machine):
    for life in range(1, ATTEMPTS + 1):
        group = machine.boot(life)
        if longest_silence(machine.door()) < W_SECONDS / 2:
            break
        machine.press("crash")
    before = [record for record in machine.all("disarmed") if record.boot < life]
    machine.wait("disarmed", len(before) + 1)
    threading.Event().wait(2 * W_SECONDS)
    assert [record for record in machine.all("fence") if record.boot == life] == []
    assert alive(group)


def test_a_door_that_closes_without_a_word_is_fenced(machine):
    machine.boot()
    machine.door().close()
    machine.wait("unattended")
    assert machine.wait("fence").values["why"] == "unpinged"


def test_the_button_reboots_as_somebody_else(rebooting):
    group = rebooting.boot()
    with closing(rebooting.door()) as door:
        door.send(b"B")
        assert rebooting.wait("fence").values["why"] == "told"
        again = rebooting.wait("boot", 2)
    assert again.boot == 2
    assert not alive(group)
    assert alive(again.values["group"])


def test_only_one_may_hold_it(patient):
    patient.boot()
    with closing(patient.door()) as first, closing(patient.door()) as second:
        second.settimeout(PATIENCE_SECONDS)
        assert second.recv(1) == b""
        first.send(b"V")
    patient.wait("disarmed")


def test_the_end_of_its_input_is_the_end_of_the_host(tmp_path, undo):
    made = Machine(tmp_path)
    group = made.boot()
    made.off()
    assert not alive(group)
    assert made.all("down")[0].values["why"] == "off"
    assert start_time(made.process.pid) is None
