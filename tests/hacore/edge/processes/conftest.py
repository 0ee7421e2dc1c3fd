"""Real daemons on loopback addresses over one file, and a watchdog that kills instead of rebooting.

Everything waits on journals and sockets with time-outs. A daemon writes its journal to a pipe.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hacore.clock import Deadline, SystemClock
from hacore.edge.client import fetch
from hacore.edge.journal import parse_line
from hacore.errors import DaemonUnreachable
from hacore.status import Status
from tests.held import held_datagram_port, own_address

ROOT = Path(__file__).parents[4]
PATIENCE_SECONDS = 90.0
"""Nothing takes nearly so long; whatever is waited for ends the wait."""
TIMEOUT_SECONDS = 5.0
"""T where a test does not wait for it: for so long may the machine be elsewhere."""
DOG_SECONDS = 3.0
"""Rather more than W: who stands still for a moment is not what is tested here."""
CLOCK = SystemClock()


class Dog:
    """A lab watchdog: counts bytes, and kills its host's processes when they stop coming without a 'V'."""

    def __init__(self, path: Path) -> None:
        self.said = bytearray()
        self.opened = threading.Event()
        self.closed = threading.Event()
        self.fired = threading.Event()
        self.host: subprocess.Popen[bytes] | None = None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE_SECONDS)
        self._listener.close()

    def _watch(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.opened.set()
                if not self._serve(connection):
                    self.fired.set()
                    if self.host is not None:
                        self.host.kill()
            self.closed.set()

    def _serve(self, connection: socket.socket) -> bool:
        connection.settimeout(DOG_SECONDS)
        while True:
            data = b""
            try:
                with suppress(ConnectionError):
                    data = connection.recv(4096)
            except TimeoutError:
                return False
            if not data:
                return self.said.endswith(b"V")
            self.said += data
            if b"B" in data:
                return False


@dataclass
class Host:
    """One host's daemon."""

    folder: Path
    name: str
    environment: dict[str, str]
    dog: Dog | None = None
    process: subprocess.Popen[bytes] | None = None
    lines: list[dict[str, str]] = field(default_factory=list)
    _rest: bytes = b""
    _said: bytes = b""

    @property
    def config(self) -> Path:
        return self.folder / f"{self.name}.toml"

    def start(self) -> None:
        command = [sys.executable, "-m", "hacore", "--debug", "run", "-c", str(self.config)]
        self.lines.clear()
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, cwd=ROOT, env={**os.environ, **self.environment}
        )
        if self.dog is not None:
            self.dog.host = self.process

    def wait_for(self, event: str, **values: str) -> dict[str, str]:
        """Return the next line of the journal with this event and values."""
        wanted = {"event": event, **values}
        deadline = Deadline.after(CLOCK, PATIENCE_SECONDS)
        while True:
            for i, line in enumerate(self.lines):
                if wanted.items() <= line.items():
                    del self.lines[: i + 1]
                    return line
            if not self._read(deadline.left_seconds()):
                said = b"".join(self._said[-4096:].splitlines(keepends=True)[-20:]).decode()
                pytest.fail(f"{self.name}: no {wanted}; last said:\n{said}")

    @property
    def said(self) -> str:
        """Everything that it wrote so far and that was waited for: journal and words alike."""
        return self._said.decode()

    def _read(self, seconds: float) -> bool:
        assert self.process is not None
        assert self.process.stderr is not None
        if not select.select([self.process.stderr], [], [], seconds)[0]:
            return False
        data = os.read(self.process.stderr.fileno(), 65_536)
        self._said += data
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.lines += [parse_line(line.decode()) for line in lines]
        return bool(data)

    def status(self) -> Status:
        """Return the daemon's snapshot; one that does not answer in time is asked again."""
        deadline = Deadline.after(CLOCK, PATIENCE_SECONDS)
        while True:
            try:
                return fetch(str(self.folder / f"{self.name}.sock"), CLOCK)[0]
            except DaemonUnreachable as error:
                if "no answer within" not in str(error) or deadline.passed():
                    raise

    def becomes(self, wanted: Callable[[Status], bool]) -> Status:
        """Return the first snapshot that is wanted."""
        deadline, pause = Deadline.after(CLOCK, PATIENCE_SECONDS), threading.Event()
        while not wanted(status := self.status()):
            assert not deadline.passed(), f"{self.name} never showed what was wanted: {status}"
            pause.wait(0.05)
        return status

    def xenhad(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command against this host's configuration."""
        return subprocess.run(
            self._typed(*arguments),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Begin a command against this host's configuration."""
        return subprocess.Popen(
            self._typed(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def _typed(self, command: str, *rest: str) -> list[str]:
        return [sys.executable, "-m", "hacore", command, "-c", str(self.config), *rest]

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def ended(self) -> int:
        """Return the exit code, once the daemon has ended."""
        assert self.process is not None
        return self.process.wait(PATIENCE_SECONDS)

    def clear(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stderr is not None
            self.process.stderr.close()
        if self.dog is not None:
            self.dog.close()


class Pool:
    """Hosts h1, h2, … on loopback addresses that are theirs alone."""

    def __init__(self, folder: Path, hosts: int, *, timeout_seconds: float, lab: bool) -> None:
        self.folder = folder
        (folder / "statefile").write_bytes(bytes(4 << 20))
        key = folder / "key"
        key.write_text("5a" * 32 + "\n")
        key.chmod(0o600)
        self.held = held_datagram_port()
        port = self.held.getsockname()[1]
        dogs = {i: Dog(folder / f"h{i}.dog") for i in range(1, hosts + 1) if lab}
        for i in range(1, hosts + 1):
            text = config_text(i, hosts, port, timeout_seconds, lab=lab)
            (folder / f"h{i}.toml").write_text(text)
        self.hosts = [Host(folder, f"h{i}", {}, dogs.get(i)) for i in range(1, hosts + 1)]

    def form(self) -> list[Host]:
        """Format the statefile, start everybody, wait until all are members of one liveset."""
        done = self.hosts[0].xenhad("init")
        assert done.returncode == 0, done.stderr
        for host in self.hosts:
            host.start()
        for host in self.hosts:
            host.wait_for("joined")
        for host in self.hosts:
            host.becomes(lambda status: len(status.liveset) == len(self.hosts))
        return self.hosts

    def clear(self) -> None:
        for host in self.hosts:
            host.clear()
        self.held.close()


def config_text(me: int, hosts: int, port: int, timeout_seconds: float, *, lab: bool) -> str:
    fencing = f'[watchdog]\ndriver = "lab"\npath = "h{me}.dog"\n' if lab else "no_fencing = true\n"
    tables = "".join(
        f'[[hosts]]\nuuid = "{uuid(i)}"\nname = "h{i}"\naddresses = ["{own_address(port, i)}"]\n'
        for i in range(1, hosts + 1)
    )
    return (
        f'host = "{uuid(me)}"\ngeneration = "{uuid(99)}"\ntimeout_seconds = {timeout_seconds}\nlab = true\n'
        f'statefile = "statefile"\nkey_file = "key"\ncontrol_socket = "h{me}.sock"\narbiters = []\n'
        f'boot_id = "{me:08x}-0000-0000-0000-000000000001"\n'
        f'{fencing}[[networks]]\nname = "net"\nport = {port}\n{tables}'
    )


def uuid(i: int) -> str:
    return f"00000000-0000-0000-0000-{i:012}"


@pytest.fixture
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Return a function that makes a pool; everything is ended afterwards."""
    made: list[Pool] = []

    def make(hosts: int, *, timeout_seconds: float = TIMEOUT_SECONDS, lab: bool = False) -> Pool:
        made.append(Pool(tmp_path_factory.mktemp("p"), hosts, timeout_seconds=timeout_seconds, lab=lab))
        return made[-1]

    yield make
    for each in made:
        each.clear()
