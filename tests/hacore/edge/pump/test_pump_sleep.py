"""A machine that is suspended: time goes on for its pump, and who slept too long is quiet from then on."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hacore.clock import SystemClock

HOUR_NS = 3600 * 10**9
HERE = Path(__file__).parent
AGAIN = (
    "test_pump_sleep.py",
    "test_pump_dog.py::test_a_member_is_pinged_for",
    "test_pump_dog.py::test_watching_ends_without_a_last_ping",
)
VARIABLE = "XENHA_TEST_SLEPT"
SLEPT = VARIABLE in os.environ
"""The machine looks as if it had slept for an hour since its boot."""


def woken(rig, watchdog):
    """Return a host whose last good cycle was an hour ago, with a watchdog that did not fire since."""
    host = rig.host(0, since_ns=SystemClock().monotonic_ns() - HOUR_NS)
    host.pump.start()
    host.pump.lease(True, 0)
    host.pump.check_in()
    host.pump.watch(watchdog[1].fileno())
    rig.cycles(host)
    return host


@pytest.fixture
def watchdog(rig):
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield ours, theirs
    rig.unwatch()
    ours.close()
    theirs.close()


def pinged(watchdog) -> bool:
    try:
        return bool(watchdog[0].recv(1))
    except BlockingIOError:
        return False


def test_who_slept_over_its_deadline_neither_writes_nor_pings(rig, watchdog):
    host = woken(rig, watchdog)
    before = rig.slot(0)
    host.pump.publish(1, rig.slot_body(0, rig.decision(2, [100, 0, 0])), True)
    rig.wait(lambda: len([each for each in host.cycles if each.version == 1]) >= 4, host.pump.check_in)
    assert not any(each.written or each.read for each in host.cycles if each.version == 1)
    assert rig.slot(0) == before
    assert not pinged(watchdog)


@pytest.mark.parametrize("lease", ["cut", "unwatched"])
def test_who_slept_may_still_say_that_it_goes(rig, watchdog, lease):
    host = woken(rig, watchdog)
    host.pump.publish(1, rig.slot_body(0, rig.decision(2, [100, 0, 0])), True)
    rig.wait(lambda: any(each.version == 1 for each in host.cycles))
    if lease == "cut":
        host.pump.lease(False, 0)
    else:
        host.pump.watch(None)
    rig.wait(lambda: host.cycle.written)


def test_pump_and_daemon_read_one_clock(rig):
    clock = SystemClock()
    host = rig.host(0)
    before_ns = clock.monotonic_ns()
    host.pump.start()
    host.pump.check_in()
    after_ns = clock.monotonic_ns()
    assert before_ns <= host.pump.meters().dog.checked_in_ns <= after_ns
    rig.cycles(host)
    assert before_ns <= host.cycle.started_ns <= host.cycle.completed_ns <= clock.monotonic_ns()
    slept_ns = clock.monotonic_ns() - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    assert slept_ns > HOUR_NS // 2 or not SLEPT


@pytest.mark.skipif(SLEPT, reason="this is what it runs")
def test_the_same_where_the_machine_was_suspended(tmp_path, pytestconfig):
    """Run tests where the clock is an hour ahead of the one that stood still: each wait has to know both."""
    namespace = ["unshare", "--time", "--boottime", str(HOUR_NS // 10**9)]
    if not shutil.which("unshare") or subprocess.run([*namespace, "true"], check=False).returncode:
        pytest.skip("no time namespaces here")
    chosen = [*(f"{HERE}/{name}" for name in AGAIN), f"--basetemp={tmp_path}/again", "-p", "no:cacheprovider"]
    build = f"pythonpath={shlex.join(map(str, pytestconfig.getini('pythonpath')))}"  # the one that runs this
    ran = subprocess.run(
        [*namespace, sys.executable, "-m", "pytest", "-q", "-o", build, *chosen],
        check=False,
        env={**os.environ, VARIABLE: "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
