"""`xenhad status --watch` on a terminal and elsewhere, and what commands say of other hosts."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hacore.clock import Deadline, SystemClock
from hacore.commands.control import confirmed_text
from hacore.commands.status import END_OF_LINE, HOME, REST, RULE, redrawn, text_of
from hacore.status import STATUS_REQUEST, Status, encode
from tests.hacore.test_status import sample

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 60.0


def spoken(**changes: Any) -> Status:
    """A snapshot as a daemon gives it: every peer has its channels."""
    return replace(sample(), **{"peers": sample().peers[:1], "condemned": (), **changes})


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Path]:
    """A control socket that answers every request with the sample snapshot."""
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client, suppress(OSError):  # who was interrupted hangs up at any point
                    if client.recv(4096) == STATUS_REQUEST:
                        client.sendall(encode(spoken()))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE_SECONDS)


@contextmanager
def watching(path: Path, out: int, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A watch that writes to `out`, which only it holds from then on; ended however the test ends."""
    typed = [sys.executable, "-m", "hacore", "status", "--watch", "--socket", str(path), *more]
    with subprocess.Popen(typed, cwd=ROOT, stdout=out, stderr=subprocess.PIPE) as process:
        os.close(out)
        try:
            yield process
        finally:
            process.kill()


def seen(source: int, wanted: bytes, times: int) -> str:
    """Read until something was seen so many times."""
    deadline, data = Deadline.after(SystemClock(), PATIENCE_SECONDS), b""
    while data.count(wanted) < times:
        assert select.select([source], [], [], deadline.left_seconds())[0], data
        more = os.read(source, 65_536)
        assert more, data
        data += more
    return data.decode()


def interrupted(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    return process.wait(PATIENCE_SECONDS), process.stderr.read()


def test_a_terminal_is_redrawn_in_place(answering: Path) -> None:
    master, slave = pty.openpty()
    with watching(answering, slave) as process:
        told = seen(master, HOME.encode(), 2)
        assert interrupted(process) == (0, b"")
    assert told.startswith(HOME + REST)
    assert told.count(HOME + REST) == 1
    assert f"quay-1 (u1), weight 1{END_OF_LINE}" in told
    os.close(master)


def test_elsewhere_blocks_are_separated_by_a_line(answering: Path) -> None:
    reader, writer = os.pipe()
    with watching(answering, writer) as process:
        told = seen(reader, b"watchdog", 2)
        assert interrupted(process) == (0, b"")
    assert told.startswith("host ")
    assert told.count(RULE) == 1
    assert "\x1b" not in told
    os.close(reader)


def test_json_is_a_line_a_look_and_a_daemon_may_be_away(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with watching(tmp_path / "nobody", writer, "--json") as process:
        told = seen(reader, b"\n", 1)
        assert interrupted(process) == (0, b"")
    assert told.startswith('{"error": "')
    assert "the daemon cannot be reached: No such file or directory" in told
    os.close(reader)


def test_it_says_in_plain_words_what_it_waits_for_and_a_name_once() -> None:
    uuid = sample().host.uuid
    host = replace(sample().host, name=uuid)
    told = text_of(spoken(waiting="hosts that are missing: red"))
    assert "; waits for hosts that are missing: red\n" in told
    told = text_of(spoken(waiting="to be admitted by the members: red", host=host))
    assert "; waits to be admitted by the members: red\n" in told
    assert told.startswith(f"host      {uuid}, weight")


def test_a_shorter_picture_leaves_nothing_of_a_longer_one() -> None:
    drawn = redrawn("short", first=False)
    assert drawn.startswith(HOME)
    rest = drawn.removeprefix(HOME)
    line, _, below = rest.partition("\n")
    assert line == f"short{END_OF_LINE}"
    assert below == REST


def test_warnings_are_shown() -> None:
    text = text_of(spoken(warnings=("slot of quay-2 cannot be read", "2 copies left")))
    assert text.endswith("! slot of quay-2 cannot be read\n! 2 copies left")


@pytest.mark.parametrize(
    ("liveset", "leader", "told"),
    [
        (("u1",), "u1", "quay-1 takes quay-4 for dead now"),
        (("u1", "u2"), "u2", "quay-1 takes quay-4 for dead now; say it there, too: quay-2 (the leader"),
        (
            ("u1", "u2", "u3"),
            "u3",
            "quay-1 takes quay-4 for dead now; say it there, too: ключ-3, quay-2 (the",
        ),
    ],
)
def test_who_confirms_a_death_is_told_where_else_to(liveset: tuple[str, ...], leader: str, told: str) -> None:
    status: Status = replace(sample(), liveset=liveset, leader=leader)
    assert confirmed_text("quay-4", status).startswith(told)


def test_storage_that_works_but_may_not_be_written_is_no_broken_one() -> None:
    away = replace(sample().storage, works=False)
    assert "does not work" in text_of(spoken(storage=replace(away, copies_left=1)))
    told = text_of(spoken(storage=replace(away, copies_left=0)))
    assert "not used: no clean copy of the own slot is left" in told
    assert "does not work" not in told
