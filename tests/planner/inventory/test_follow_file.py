"""Following a pool file: what changes is read again, what is broken is said, and both end at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.demo import demo_pool
from planner.inventory.follow import Lost, Seen
from planner.inventory.poolfile import dump_pool

Following = Callable[[str], Any]


def test_a_file_that_changes_is_read_again(tmp_path: Path, following: Following) -> None:
    file = tmp_path / "pool.json"
    file.write_text(dump_pool(demo_pool()))
    listener = following(str(file))
    assert listener.snapshot().pool == demo_pool()
    smaller = replace(demo_pool(), vms=demo_pool().vms[:3])
    file.write_text(dump_pool(smaller))
    assert listener.snapshot(lambda snapshot: snapshot.pool == smaller)


def test_an_unchanged_file_is_reported_as_the_same_object(tmp_path: Path, following: Following) -> None:
    file = tmp_path / "pool.json"
    file.write_text(dump_pool(demo_pool()))
    listener = following(str(file))
    first = listener.snapshot()
    listener.wait(lambda _: True, since=5)
    assert all(isinstance(update, Seen) and update.snapshot is first for update in listener.updates)


def test_a_file_that_is_broken_and_mended(tmp_path: Path, following: Following) -> None:
    file = tmp_path / "pool.json"
    listener = following(str(file))
    assert listener.lost() == f"{file}: cannot be read: No such file or directory"
    file.write_text("{}")
    listener.wait(
        lambda update: update == Lost(f'{file}: format: required key is missing; expected "xenha-pool/1"')
    )
    other = tmp_path / "other.json"
    other.write_text(dump_pool(demo_pool()))
    other.replace(file)
    listener.snapshot()
    seen = len(listener.updates)
    file.unlink()
    assert listener.lost(since=seen) == f"{file}: cannot be read: No such file or directory"
