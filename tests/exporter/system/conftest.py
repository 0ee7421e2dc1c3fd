"""Real programs for tests: on free ports, watched by their logs, always ended, shown when a test fails."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import XenAPI
from aiosmtpd.smtp import SMTP, Envelope, Session

from exporter.alerts import render
from hacore.clock import Deadline, SystemClock
from lab.demo import demo_pool
from lab.xapi.server import RunningServer, serve
from tests.held import held_address

ROOT = Path(__file__).parents[3]
XENHA = (sys.executable, "-c", "import sys; from exporter.cli import main; sys.exit(main())")
PASSWORD = "a password of the tests"
ENOUGH_SECONDS = 120.0
"""Nothing that a test waits for takes as long; a wait that ends here is a failure."""
LOG_LINES = 60

Value = TypeVar("Value")


def until(probe: Callable[[], Value | None], what: str, seconds: float = ENOUGH_SECONDS) -> Value:
    """Ask again and again until `probe` returns something; a connection that is refused is nothing yet."""
    deadline, pause = Deadline.after(SystemClock(), seconds), threading.Event()
    while not deadline.passed():
        try:
            found = probe()
        except httpx.TransportError:
            found = None
        if found:
            return found
        pause.wait(0.1)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


class Program:
    """A running program; everything it says is kept."""

    def __init__(
        self, name: str, command: tuple[str, ...], environment: Mapping[str, str], fds: tuple[int, ...]
    ) -> None:
        self.name = name
        self.lines: list[str] = []
        self._said = threading.Condition()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **environment},
            pass_fds=fds,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._said:
                self.lines.append(line.rstrip("\n"))
                self._said.notify_all()

    def says(self, pattern: str) -> re.Match[str]:
        """Wait for a line and return what of it matches."""
        deadline = Deadline.after(SystemClock(), ENOUGH_SECONDS)
        seen = 0
        with self._said:
            while True:
                for line in self.lines[seen:]:
                    if match := re.search(pattern, line):
                        return match
                seen = len(self.lines)
                if deadline.passed() or not self._listener.is_alive():
                    raise AssertionError(f"{self.name} never said {pattern}:\n{self.log()}")
                self._said.wait(min(1.0, deadline.left_seconds()))

    def log(self) -> str:
        """Return the last lines it said."""
        return "\n".join(self.lines[-LOG_LINES:])

    def stop(self) -> int:
        """End it, gently first, and return its exit code."""
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return self._process.returncode


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., Program]]:
    """Return a function that starts a program; a test is skipped, visibly, where it is not installed."""
    running: list[Program] = []

    def started(name: str, *command: str, fds: tuple[int, ...] = (), **environment: str) -> Program:
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
        running.append(Program(name, command, environment, fds))
        return running[-1]

    yield started
    for program in reversed(running):
        program.stop()
        print(f"--- {program.name}\n{program.log()}")


# What xenha watches, and xenha


@pytest.fixture(scope="module")
def pool_api() -> Iterator[RunningServer]:
    """The demo pool behind a simulated XAPI."""
    with held_address() as address, serve(demo_pool(), listen=address, password=PASSWORD) as server:
        yield server


@dataclass(frozen=True)
class Xenha:
    """A running `xenha serve`."""

    program: Program
    url: str

    def get(self, path: str, **parameters: str) -> httpx.Response:
        return httpx.get(self.url + path, params=parameters, timeout=ENOUGH_SECONDS)


@pytest.fixture(scope="module")
def start_xenha(start: Callable[..., Program]) -> Callable[..., Xenha]:
    """Return a function that starts `xenha serve SOURCE` and waits until it has figures."""

    def started(source: str, listen: str = "127.0.0.1:0", more: Sequence[str] = ()) -> Xenha:
        command = (*XENHA, "serve", source, "--listen", listen, *more)
        program = start("xenha", *command, XENHA_PASSWORD=PASSWORD)
        url = program.says(r"(http://[\d.]+:\d+)").group(1)
        xenha = Xenha(program, url)
        until(lambda: xenha.get("/-/ready").status_code == 200, "xenha is ready")
        return xenha

    return started


@pytest.fixture(scope="module")
def xenha(pool_api: RunningServer, start_xenha: Callable[..., Xenha]) -> Xenha:
    """`xenha serve` over the demo pool's API."""
    return start_xenha(pool_api.url)


# From a metric to a mailbox


@dataclass
class Inbox:
    """What arrived, and what a test waits for."""

    kind: str
    arrived: queue.Queue[Any] = field(default_factory=queue.Queue)
    kept: list[Any] = field(default_factory=list)

    def wait_for(self, wanted: Callable[[Any], bool], what: str) -> Any:
        """Return the first thing wanted since the last one found; what came between is dropped."""
        deadline = Deadline.after(SystemClock(), ENOUGH_SECONDS)
        while True:
            try:
                found = self.arrived.get(timeout=max(0.01, deadline.left_seconds()))
            except queue.Empty:
                raise AssertionError(f"no {self.kind}: {what}; instead came {self.kept}") from None
            self.kept.append(found)
            if wanted(found):
                return found


@dataclass
class _Sink:
    """Takes every mail."""

    inbox: Inbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        self.inbox.arrived.put(message_from_bytes(content, policy=policy.default))
        return "250 OK"


@dataclass(frozen=True)
class MailServer:
    """A real SMTP server on a free port."""

    inbox: Inbox
    address: str


@pytest.fixture(scope="module")
def mail_server() -> Iterator[MailServer]:
    loop = asyncio.new_event_loop()
    inbox = Inbox("mail")
    server = loop.run_until_complete(
        loop.create_server(lambda: SMTP(_Sink(inbox), loop=loop), "127.0.0.1", 0)
    )
    host, port = server.sockets[0].getsockname()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield MailServer(inbox, f"{host}:{port}")
    asyncio.run_coroutine_threadsafe(_end(server), loop).result(ENOUGH_SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    open_talks = asyncio.all_tasks() - {asyncio.current_task()}
    for talk in open_talks:
        talk.cancel()
    await asyncio.gather(*open_talks, return_exceptions=True)


@dataclass(frozen=True)
class Webhook:
    """An HTTP server that takes what is posted to it."""

    inbox: Inbox
    url: str


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    inbox = Inbox("post")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            inbox.arrived.put(json.loads(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield Webhook(inbox, f"http://127.0.0.1:{server.server_port}/alerts")
        server.shutdown()
        thread.join()


def example(name: str, **values: tuple[str, str]) -> str:
    """Return a configuration from docs/ with some of its values replaced; each must be there."""
    text = (ROOT / "docs" / name).read_text()
    for what, (shipped, own) in values.items():
        assert shipped in text, f"docs/{name} has no {what} {shipped}"
        text = text.replace(shipped, own)
    return text


@pytest.fixture(scope="module")
def alertmanager(
    start: Callable[..., Program],
    mail_server: MailServer,
    webhook: Webhook,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """Alertmanager with the configuration shipped in docs/, made quick; returns its address."""
    folder = tmp_path_factory.mktemp("alertmanager")
    (folder / "alertmanager.yml").write_text(
        example(
            "alertmanager.yml",
            mail_server=("mail.example.com:25", mail_server.address),
            webhook=("http://127.0.0.1:9099/alerts", webhook.url),
            group_wait=("group_wait: 10s", "group_wait: 1s"),  # what is posted together waits for each other
            group_interval=("group_interval: 1m", "group_interval: 1s"),
        )
    )
    program = start(
        "alertmanager",
        "prometheus-alertmanager",
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/data",
        "--web.listen-address=127.0.0.1:0",
        "--cluster.listen-address=",
    )
    return program.says(r'msg="Listening on" address=([\d.:]+)').group(1)


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def ask(self, query: str) -> float | None:
        """Return the value of a query's only series, None if there is none yet."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": query}, timeout=ENOUGH_SECONDS)
        found = answer.raise_for_status().json()["data"]["result"]
        return float(found[0]["value"][1]) if found else None


@pytest.fixture(scope="module")
def prometheus(
    start: Callable[..., Program], xenha: Xenha, alertmanager: str, tmp_path_factory: pytest.TempPathFactory
) -> Prometheus:
    """Prometheus with the configuration shipped in docs/ and our rules, both made quick."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "xenha-rules.yml").write_text(render(hold="0s"))
    (folder / "prometheus.yml").write_text(
        example(
            "prometheus.yml",
            xenha=("127.0.0.1:9877", xenha.url.removeprefix("http://")),
            alertmanager=("127.0.0.1:9093", alertmanager),
            scrape_interval=("scrape_interval: 15s", "scrape_interval: 1s"),
            evaluation_interval=("evaluation_interval: 15s", "evaluation_interval: 1s"),
        )
    )
    program = start(
        "prometheus",
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        "--web.listen-address=127.0.0.1:0",
    )
    address = program.says(r'msg="Listening on" address=([\d.:]+)').group(1)
    program.says(r'msg="Server is ready to receive web requests."')
    return Prometheus(f"http://{address}")


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    return until


@pytest.fixture
def password() -> str:
    return PASSWORD


@pytest.fixture
def operator(pool_api: RunningServer) -> Iterator[Any]:
    """Return the pool's API as an operator's client sees it."""
    session = XenAPI.Session(pool_api.url)
    session.xenapi.login_with_password("root", PASSWORD, "1.0", "tests")
    yield session.xenapi
    session.xenapi.session.logout()
    session("close")()
