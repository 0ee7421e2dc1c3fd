"""The native dog: it pings while the lease and the brain allow, and never once they do not."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from hacore.clock import SystemClock


class Watchdog:
    """The other end of a watchdog: counts pings."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.ours.settimeout(60)

    def fileno(self) -> int:
        return self.theirs.fileno()

    def wait(self, pings: int) -> None:
        for _ in range(pings):
            assert self.ours.recv(1) == b"\0"

    def forget(self) -> None:
        self.ours.setblocking(False)
        with suppress(BlockingIOError):
            while self.ours.recv(4096):
                pass

    def quiet_for(self, seconds: float) -> bool:
        self.ours.settimeout(seconds)
        try:
            return not self.ours.recv(1)
        except TimeoutError:
            return True

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()


@pytest.fixture
def watchdog(rig) -> Iterator[Watchdog]:
    made = Watchdog()
    yield made
    rig.unwatch()
    made.close()


def keep_until(rig, host, what) -> None:
    """Wait as a brain does that checks in."""
    rig.wait(what, host.pump.check_in)


def beat(rig, host, count: int, *others: Callable[[], None]) -> None:
    """Wait for beats of the dog. After the first, no ping that was allowed before is still under way."""
    beats = host.pump.meters().dog_beat.beats
    rig.wait(lambda: host.pump.meters().dog_beat.beats >= beats + count, *others)


def assert_no_more_pings(rig, host, watchdog) -> None:
    """Wait until the lease has run out, then see that nobody pings, however often the brain checks in."""
    clock = SystemClock()
    end_ns = host.pump.meters().dog.since_ns + rig.timing.ping_until_ns
    keep_until(rig, host, lambda: clock.monotonic_ns() > end_ns)
    beat(rig, host, 1, host.pump.check_in)
    watchdog.forget()
    beat(rig, host, 5, host.pump.check_in)
    assert watchdog.quiet_for(0.01)


def test_a_member_is_pinged_for(rig, watchdog):
    (host,) = rig.members(1)
    host.pump.watch(watchdog.fileno())
    keep_until(rig, host, lambda: host.pump.meters().dog.pings >= 5)
    watchdog.wait(5)
    dog = host.pump.meters().dog
    assert dog.watching
    assert dog.failed_pings == 0
    assert dog.last_ping_ns > dog.since_ns > 0


def test_a_stuck_brain_is_not_pinged_for(rig, watchdog):
    (host,) = rig.members(1)
    host.pump.watch(watchdog.fileno())
    keep_until(rig, host, lambda: host.pump.meters().dog.pings >= 3)
    checked_in_ns = host.pump.meters().dog.checked_in_ns
    clock = SystemClock()
    rig.wait(lambda: clock.monotonic_ns() > checked_in_ns + 2 * rig.timing.check_in_ns)
    beat(rig, host, 1)
    watchdog.forget()
    beat(rig, host, 5)
    assert watchdog.quiet_for(0.01)
    rig.wait(lambda: host.pump.meters().disk.good_since_ns > checked_in_ns)  # the disk went on
    keep_until(rig, host, lambda: host.pump.meters().dog.last_ping_ns > clock.monotonic_ns() - 10**9)
    keep_until(rig, host, lambda: not watchdog.quiet_for(0.05))


def test_who_is_left_out_is_not_pinged_for(brief, watchdog):
    one, two = brief.members(2)
    one.pump.watch(watchdog.fileno())
    keep_until(brief, one, lambda: one.pump.meters().dog.pings >= 3)
    two.pump.publish(2, brief.slot_body(1, brief.decision(3, [0, 101, 0])), True)
    brief.wait(lambda: one.cycle.bodies[1].decided.epoch == 3)
    assert_no_more_pings(brief, one, watchdog)


def test_who_cannot_write_is_not_pinged_for(brief, watchdog):
    (host,) = brief.members(1)
    host.pump.watch(watchdog.fileno())
    keep_until(brief, host, lambda: host.pump.meters().dog.pings >= 3)
    host.pump.set_device(None)
    brief.wait(lambda: host.pump.meters().disk.failed_writes > 0)
    assert_no_more_pings(brief, host, watchdog)


def test_nothing_is_pinged_for_without_a_lease(rig, watchdog):
    host = rig.host(0)
    host.pump.start()
    host.pump.publish(1, rig.slot_body(0, rig.decision(2, [100, 0, 0])), True)
    host.pump.watch(watchdog.fileno())
    keep_until(
        rig, host, lambda: host.pump.meters().dog_beat.beats > 5 and host.cycles and host.cycle.written
    )
    assert watchdog.quiet_for(0.01)
    keep_until(rig, host, lambda: host.pump.meters().disk.good_since_ns > 0)
    assert host.pump.meters().dog.since_ns == 0
    host.pump.lease(True, 0)
    keep_until(rig, host, lambda: not watchdog.quiet_for(0.05))


def test_a_grant_carries_a_host_whose_disk_does_not(brief, watchdog):
    (host,) = brief.members(1)
    brief.wait(lambda: host.cycle.written)
    host.pump.set_device(None)
    host.pump.watch(watchdog.fileno())
    host.pump.lease(False, 0)
    assert host.pump.meters().dog.since_ns == 0
    beat(brief, host, 1, host.pump.check_in)
    watchdog.forget()
    beat(brief, host, 2, host.pump.check_in)
    assert watchdog.quiet_for(0.01), "the disk's lease does not count unless told so"
    clock = SystemClock()
    first_ns = clock.monotonic_ns()

    def grant() -> None:
        host.pump.check_in()
        now_ns = clock.monotonic_ns()
        host.pump.lease(False, now_ns)
        assert host.pump.meters().dog.since_ns == now_ns

    brief.wait(lambda: host.pump.meters().dog.last_ping_ns > first_ns, grant)
    assert_no_more_pings(brief, host, watchdog)


def test_watching_ends_without_a_last_ping(rig, watchdog):
    (host,) = rig.members(1)
    for _ in range(10):
        host.pump.watch(watchdog.fileno())
        pings = host.pump.meters().dog.pings
        keep_until(rig, host, lambda pings=pings: host.pump.meters().dog.pings > pings)
        host.pump.watch(None)
        watchdog.forget()
        assert not host.pump.meters().dog.watching
        assert watchdog.quiet_for(0.03)


def test_a_watchdog_that_is_gone_is_counted(rig, watchdog):
    (host,) = rig.members(1)
    host.pump.watch(watchdog.fileno())
    keep_until(rig, host, lambda: host.pump.meters().dog.pings >= 1)
    watchdog.ours.close()
    keep_until(rig, host, lambda: host.pump.meters().dog.failed_pings >= 2)
    assert host.pump.meters().dog.watching


def test_stopping_does_not_ping(rig, watchdog):
    (host,) = rig.members(1)
    host.pump.watch(watchdog.fileno())
    keep_until(rig, host, lambda: host.pump.meters().dog.pings >= 1)
    assert host.pump.stop()
    watchdog.forget()
    assert watchdog.quiet_for(0.1)
