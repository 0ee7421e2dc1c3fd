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
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hacore.clock import Deadline, SystemClock
from hacore.edge.client import fetch
from hacore.edge.journal import parse_line
from hacore.status import Status

ROOT = Path(__file__).parents[4]
PATIENCE_SECONDS = 40.0
"""Nothing takes nearly so long on a machine that is not overloaded."""
CLOCK = SystemClock()


class Dog:
    """A lab watchdog: counts bytes, and kills its host's processes when they stop coming without a 'V'."""

    def __init__(self, path: Path, timeout_seconds: float) -> None:
        self.said = bytearray()
        self.opened = threading.Event()
        self.closed = threading.Event()
        self.fired = threading.Event()
        self.host: subprocess.Popen[bytes] | None = None
        self._timeout_seconds = timeout_seconds
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._watch, daemon=True).start()

    def close(self) -> None:
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
        connection.settimeout(self._timeout_seconds)
        while True:
            try:
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
        return fetch(str(self.folder / f"{self.name}.sock"), CLOCK)[0]

    def xenhad(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command against this host's configuration."""
        command, *rest = arguments
        typed = [sys.executable, "-m", "hacore", command, "-c", str(self.config), *rest]
        return subprocess.run(
            typed, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
        )

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
    """Hosts h1, h2, … on 127.0.0.1, 127.0.0.2, …"""

    def __init__(self, folder: Path, hosts: int, *, timeout_seconds: float, lab: bool) -> None:
        self.folder = folder
        (folder / "statefile").write_bytes(bytes(4 << 20))
        key = folder / "key"
        key.write_text("5a" * 32 + "\n")
        key.chmod(0o600)
        port = free_port(hosts)
        dogs = {i: Dog(folder / f"h{i}.dog", timeout_seconds / 10) for i in range(1, hosts + 1) if lab}
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
        return self.hosts


def config_text(me: int, hosts: int, port: int, timeout_seconds: float, *, lab: bool) -> str:
    fencing = f'[watchdog]\ndriver = "lab"\npath = "h{me}.dog"\n' if lab else "no_fencing = true\n"
    tables = "".join(
        f'[[hosts]]\nuuid = "{uuid(i)}"\nname = "h{i}"\naddresses = ["127.0.0.{i}"]\n'
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


def free_port(hosts: int) -> int:
    """Return a UDP port that is free on the first loopback addresses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("0.0.0.0", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Return a function that makes a pool; everything is ended afterwards."""
    made: list[Pool] = []

    def make(hosts: int, *, timeout_seconds: float = 3.0, lab: bool = False) -> Pool:
        made.append(Pool(tmp_path_factory.mktemp("p"), hosts, timeout_seconds=timeout_seconds, lab=lab))
        return made[-1]

    yield make
    for each in made:
        for host in each.hosts:
            host.clear()
