"""`xenha serve` as a process: its first line, its signals, its errors."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from exporter.errors import ListenError
from exporter.listening import bind, url_of
from lab.demo import demo_pool
from planner.inventory.poolfile import dump_pool

ROOT = Path(__file__).parents[2]
ENOUGH = 60.0
PROGRAM = """
import sys
from exporter.config import Address, Settings
from exporter.poolsettings import PoolSettings
from exporter.serve import serve
from hacore.clock import SystemClock
from planner.inventory.source import Credentials, FileSource
pools = (PoolSettings(FileSource(sys.argv[1]), Credentials()),)
sys.exit(serve(Settings(Address("127.0.0.1", 0), pools), clock=SystemClock()))
"""


ENDLESS = """
import asyncio
from exporter.listening import bind, serve_until_signal
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun", "more_body": True})
    await asyncio.Event().wait()
serve_until_signal(app, bind("127.0.0.1", 0))
"""


UNANSWERED = """
import asyncio
from exporter.asgi import LastWords
from exporter.listening import bind, serve_until_signal
async def app(scope, receive, send):
    print("asked", flush=True)
    await asyncio.Event().wait()
serve_until_signal(LastWords(app), bind("127.0.0.1", 0))
"""
STOPPED_BEFORE_IT_SERVES = """
import os, signal
from contextlib import contextmanager
from exporter.listening import bind, serve_until_signal
@contextmanager
def meanwhile():
    os.kill(os.getpid(), signal.SIGTERM)
    yield
    os.kill(os.getpid(), signal.SIGTERM)
    print("ended")
serve_until_signal(None, bind("127.0.0.1", 0), meanwhile())
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    path = tmp_path / "pool.json"
    path.write_text(dump_pool(demo_pool()))
    with running(PROGRAM, str(path)) as process:
        yield process


@contextmanager
def running(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program whose output is a pipe and thus buffered, as for a supervisor."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], ENOUGH)
    assert ready, "nothing was printed"
    return process.stdout.readline().rstrip("\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_url_first_and_a_clean_end(process: subprocess.Popen[str], number: signal.Signals) -> None:
    url = first_line(process)
    assert httpx.get(f"{url}-/healthy", trust_env=False, timeout=ENOUGH).status_code == 200
    process.send_signal(number)
    output, errors = process.communicate(timeout=ENOUGH)
    assert (process.returncode, output, errors) == (0, "", "")


def test_open_connections_do_not_keep_it_from_ending(process: subprocess.Popen[str]) -> None:
    url = httpx.URL(first_line(process))
    with (
        socket.create_connection((url.host, url.port or 0), ENOUGH) as half_a_request,
        socket.create_connection((url.host, url.port or 0), ENOUGH) as idle,
    ):
        half_a_request.sendall(b"GET /metrics HTTP/1.1\r\n")
        idle.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(12) == b"HTTP/1.1 200"
        process.terminate()
        assert process.wait(ENOUGH) == 0


def test_answer_that_never_ends_does_not_keep_it_from_ending() -> None:
    with running(ENDLESS) as process:
        url = httpx.URL(first_line(process))
        with socket.create_connection((url.host, url.port or 0), ENOUGH) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
            process.terminate()
            assert process.wait(ENOUGH) == 0


def test_who_waits_for_an_answer_at_the_end_is_told_that_there_is_none() -> None:
    with running(UNANSWERED) as process:
        url = httpx.URL(first_line(process))
        with socket.create_connection((url.host, url.port or 0), ENOUGH) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert first_line(process) == "asked"
            process.terminate()
            told = client.makefile("rb").read()
        assert told.startswith(b"HTTP/1.1 503")
        assert told.endswith(b'{"error":"xenha is ending"}')
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        assert process.wait(ENOUGH) == 0


def test_signal_at_the_very_start_is_not_lost_and_one_at_the_end_breaks_nothing_off() -> None:
    with running(STOPPED_BEFORE_IT_SERVES) as process:
        output, errors = process.communicate(timeout=ENOUGH)
        assert (process.returncode, errors) == (0, "")
        assert output.splitlines()[-1] == "ended"


def test_port_that_is_taken_is_one_line() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(
            ListenError, match=rf"^cannot listen on 127\.0\.0\.1:{port}: Address already in use$"
        ):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "\udcff", "a" * 100])
def test_address_that_is_not_ours_is_one_line(host: str) -> None:
    with pytest.raises(ListenError) as refused:
        bind(host, 0)
    assert "\n" not in str(refused.value)


def test_url_of_an_ipv6_address_has_brackets() -> None:
    try:
        bound = bind("::1", 0)
    except ListenError:
        pytest.skip("this machine has no IPv6")
    with bound:
        assert url_of(bound) == f"http://[::1]:{bound.getsockname()[1]}/"
