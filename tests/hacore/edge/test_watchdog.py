"""Watchdogs: what goes over the wire, what is refused, and that closing disarms."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from hacore.config import WatchdogSettings
from hacore.edge.watchdog import DeviceWatchdog, LabWatchdog, NullWatchdog, watchdog_of
from hacore.errors import DeviceUnreachable

NS = 1_000_000_000


def listener(path: Path) -> socket.socket:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.settimeout(60)
    found.bind(str(path))
    found.listen()
    return found


def test_the_lab_watchdog_is_disarmed_by_a_v_before_it_is_closed(tmp_path: Path) -> None:
    with listener(tmp_path / "dog") as dog:
        watchdog = LabWatchdog(str(tmp_path / "dog"))
        watchdog.check()
        assert watchdog.descriptor == -1
        descriptor = watchdog.open()
        assert watchdog.open() == watchdog.descriptor == descriptor
        with dog.accept()[0] as connection:
            os.write(descriptor, b"\0")
            watchdog.close()
            watchdog.close()
            assert connection.recv(10) == b"\0V"
            assert connection.recv(10) == b""
    assert watchdog.descriptor == -1


def test_the_lab_watchdog_reboots_at_once(tmp_path: Path) -> None:
    with listener(tmp_path / "dog") as dog:
        watchdog = LabWatchdog(str(tmp_path / "dog"))
        watchdog.open()
        with dog.accept()[0] as connection:
            watchdog.fence()
            assert connection.recv(10) == b"B"
            watchdog.close()


def test_nobody_is_fenced_who_is_not_armed(tmp_path: Path) -> None:
    with listener(tmp_path / "dog") as dog:
        LabWatchdog(str(tmp_path / "dog")).fence()
        dog.settimeout(0)
        with pytest.raises(BlockingIOError):
            dog.accept()


def test_what_a_predecessor_opened_is_taken_over(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    theirs.settimeout(60)
    watchdog = LabWatchdog(str(tmp_path / "dog"))
    watchdog.adopt(ours.detach())
    assert watchdog.open() == watchdog.descriptor
    watchdog.close()
    with theirs:
        assert theirs.recv(10) == b"V"


def test_a_lab_watchdog_that_is_not_there_is_named(tmp_path: Path) -> None:
    watchdog = LabWatchdog(str(tmp_path / "dog"))
    for use in (watchdog.check, watchdog.open):
        with pytest.raises(DeviceUnreachable, match=r"dog: no lab watchdog"):
            use()


def test_a_device_that_is_no_watchdog_is_refused(tmp_path: Path) -> None:
    sysrq = tmp_path / "sysrq"
    sysrq.touch()
    watchdog = DeviceWatchdog("/dev/null", NS, str(sysrq))
    watchdog.check()
    with pytest.raises(DeviceUnreachable, match=r"^/dev/null: no watchdog: Inappropriate ioctl"):
        watchdog.open()
    assert watchdog.descriptor == -1
    with pytest.raises(DeviceUnreachable, match="is no watchdog device"):
        DeviceWatchdog(str(sysrq), NS, str(sysrq)).check()
    with pytest.raises(DeviceUnreachable, match=r"nowhere: cannot be used: No such file"):
        DeviceWatchdog(str(tmp_path / "nowhere"), NS, str(sysrq)).check()


@pytest.mark.parametrize(("resumed", "written"), [(False, b"V"), (True, b"")])
def test_a_device_that_fails_as_it_is_opened_is_stopped_unless_it_ran_before(
    tmp_path: Path, resumed: bool, written: bytes
) -> None:
    device, sysrq = tmp_path / "device", tmp_path / "sysrq"
    device.touch()
    sysrq.touch()
    watchdog = DeviceWatchdog(str(device), NS, str(sysrq))
    with pytest.raises(DeviceUnreachable, match="no watchdog: Inappropriate ioctl"):
        watchdog.open(resumed=resumed)
    assert device.read_bytes() == written
    watchdog.fence()
    assert sysrq.read_bytes() == b"b"


def test_the_immediate_path_is_one_letter_to_sysrq(tmp_path: Path) -> None:
    sysrq = tmp_path / "sysrq"
    sysrq.touch()
    watchdog = DeviceWatchdog("/dev/null", NS, str(sysrq))
    watchdog.fence()
    assert sysrq.read_bytes() == b""
    watchdog.adopt(os.open("/dev/null", os.O_WRONLY))
    watchdog.fence()
    assert sysrq.read_bytes() == b"b"
    watchdog.close()


def test_a_device_is_closed_with_a_v(tmp_path: Path) -> None:
    device, sysrq = tmp_path / "device", tmp_path / "sysrq"
    device.touch()
    sysrq.touch()
    watchdog = DeviceWatchdog(str(device), NS, str(sysrq))
    watchdog.adopt(os.open(device, os.O_WRONLY))
    watchdog.close()
    assert device.read_bytes() == b"V"


def test_a_ping_that_is_late_meets_nothing(tmp_path: Path) -> None:
    """A thread was held up between its look and its write, the device was closed, other files were opened."""
    device, sysrq = tmp_path / "device", tmp_path / "sysrq"
    device.touch()
    sysrq.touch()
    watchdog = DeviceWatchdog(str(device), NS, str(sysrq))
    before: list[int] = []
    for _ in range(3):
        descriptor = os.open(device, os.O_WRONLY | os.O_TRUNC)
        assert not before or descriptor != before[-1]
        watchdog.adopt(descriptor)
        watchdog.close()
        with (tmp_path / "opened next").open("wb") as next_one:
            assert next_one.fileno() != descriptor
            assert os.write(descriptor, b"\0") == 1
        assert device.read_bytes() == b"V"
        assert not os.get_inheritable(descriptor)
        before.append(descriptor)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(before[-2])  # one number is kept, no more


def test_the_null_watchdog_does_nothing() -> None:
    watchdog = NullWatchdog()
    watchdog.check()
    os.write(watchdog.open(), b"\0")
    watchdog.fence()
    watchdog.close()
    assert watchdog.descriptor == -1


@pytest.mark.parametrize(
    ("driver", "kind"), [("device", DeviceWatchdog), ("lab", LabWatchdog), ("null", NullWatchdog)]
)
def test_the_configuration_chooses(driver: str, kind: type) -> None:
    assert isinstance(watchdog_of(WatchdogSettings(driver, "path", 0), NS), kind)
