"""The statefile as the daemon opens it: this pool's or none, and never in the brain's own time."""

from __future__ import annotations

import os
import selectors
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hacore.config import Config
from hacore.configfile import load_config
from hacore.edge.slotdevice import StatefileOpener, header_of, open_statefile
from hacore.errors import DeviceUnreachable, StatefileError
from hacore.kernel.native import SlotDevice
from hacore.statefile import STATEFILE_BYTES, format_statefile

ONE = "00000000-0000-0000-0000-000000000001"
TWO = "00000000-0000-0000-0000-000000000002"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration whose statefile is formatted."""
    (tmp_path / "statefile").write_bytes(bytes(STATEFILE_BYTES))
    (tmp_path / "key").write_text("5a" * 32)
    (tmp_path / "key").chmod(0o600)
    path = tmp_path / "xenhad.toml"
    path.write_text(
        f'host = "{ONE}"\ngeneration = "{TWO}"\nstatefile = "statefile"\nkey_file = "key"\nlab = true\n'
        f'no_fencing = true\n[[networks]]\nname = "n"\n[[hosts]]\nuuid = "{ONE}"\naddresses = ["127.0.0.1"]\n'
    )
    found = load_config(str(path))
    with SlotDevice(found.statefile, lab=True) as device:
        format_statefile(device, header_of(found), found.key)
    return found


def test_this_pools_statefile_is_opened(config: Config) -> None:
    with open_statefile(config) as device:
        assert device.size_bytes == STATEFILE_BYTES


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"generation": ONE}, f"is of generation {TWO}; expected {ONE}"),
        ({"hosts": ()}, "has another host table"),
        ({"timing": 30}, "is for a time-out of 60 s; expected 30 s"),
        ({"key": bytes(32)}, "no statefile of this pool: forged, or sealed with another key"),
    ],
)
def test_anything_else_is_refused_with_the_difference(
    changes: dict[str, Any], problem: str, config: Config
) -> None:
    if "timing" in changes:
        changes = {"timing": replace(config.timing, timeout_ns=changes["timing"] * 10**9)}
    if "hosts" in changes:
        changes = {"hosts": (replace(config.me, uuid=TWO),)}
    with pytest.raises(StatefileError) as refused:
        open_statefile(replace(config, **changes))
    assert problem in str(refused.value)


def test_a_volume_that_is_not_there_may_come_later(config: Config, tmp_path: Path) -> None:
    with pytest.raises(DeviceUnreachable, match="heartbeat disk not accessible: No such file or directory"):
        open_statefile(replace(config, statefile=str(tmp_path / "nowhere")))


@pytest.mark.parametrize("name", [".", "/dev/null"])
def test_what_can_never_be_a_volume_is_not_waited_for(name: str, config: Config, tmp_path: Path) -> None:
    with pytest.raises(StatefileError, match="is neither a block device nor a file"):
        open_statefile(replace(config, statefile=str(tmp_path / name)))


def test_a_try_is_made_apart_and_reported_through_the_loop(config: Config) -> None:
    selector = selectors.DefaultSelector()
    opener = StatefileOpener(config, selector)
    found: list[Any] = []
    opener.done = found.append
    opener.want()
    opener.want()
    for key, events in selector.select(60):
        key.data(events)
    assert len(found) == 1
    assert found[0].fileno() >= 0
    found[0].close()
    os.unlink(config.statefile)
    assert isinstance(opener.wait(60), DeviceUnreachable)
    opener.close()
    selector.close()


def test_a_try_that_hangs_holds_nobody_up(config: Config) -> None:
    disk_works = threading.Event()

    def slow(told: Config) -> SlotDevice:
        assert disk_works.wait(60)
        return open_statefile(told)

    selector = selectors.DefaultSelector()
    opener = StatefileOpener(config, selector, slow)
    found: list[Any] = []
    opener.done = found.append
    assert opener.wait(0.05) is None
    opener.want()
    assert selector.select(0) == []
    disk_works.set()
    for key, events in selector.select(60):
        key.data(events)
    assert found[0].fileno() >= 0
    found[0].close()
    opener.close()
    selector.close()
