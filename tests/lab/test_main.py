"""`xenha lab xapi` as a process: URL first, SIGTERM and Ctrl-C end it cleanly, bad input is one line."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import XenAPI

from lab.pools import small_pool
from lab.xapi.main import run
from planner.errors import InputError
from planner.inventory import poolfile

PROGRAM = "import sys; from lab.xapi.main import run; sys.exit(run(*[a or None for a in sys.argv[1:]]))"


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start_process(pool: str = "", password_file: str = "") -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM, pool, "127.0.0.1:0", "admin", password_file]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start_process
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_a_file_until_told_to_stop(
    start: Any, connect: Callable[[str], XenAPI.Session], tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "pool.json").write_text(poolfile.dump_pool(small_pool()))
    (tmp_path / "password").write_text("s3cret\nand a comment\n")
    process = start(str(tmp_path / "pool.json"), str(tmp_path / "password"))
    url = process.stdout.readline().rstrip("\n")
    assert url.startswith("http://127.0.0.1:")
    session = connect(url)
    session.login_with_password("admin", "s3cret")
    assert len(session.xenapi.VM.get_all()) == 13
    process.send_signal(number)
    rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_serves_the_demo_by_default(start: Any, connect: Callable[[str], XenAPI.Session]) -> None:
    process = start()
    session = connect(process.stdout.readline().rstrip("\n"))
    session.login_with_password("admin", "xenha")
    (pool,) = session.xenapi.pool.get_all_records().values()
    assert pool["name_label"] == "demo"
    process.terminate()
    assert process.wait(60) == 0


def test_bad_input(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"^--listen nowhere: expected HOST:PORT, such as 127.0.0.1:8080$"):
        run(None, "nowhere")
    with pytest.raises(InputError, match="no-such-file"):
        run(str(tmp_path / "no-such-file"))
    with pytest.raises(InputError, match=r"^--password-file .*no-such-file: No such file or directory$"):
        run(None, password_file=tmp_path / "no-such-file")
    with pytest.raises(InputError, match="expected a password in the first line"):
        run(None, password_file=tmp_path / "empty")
    with pytest.raises(InputError, match=r"--password-file .*binary"):
        run(None, password_file=tmp_path / "binary")


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InputError, match=f"--listen {address}: Address already in use"):
            run(None, address)
