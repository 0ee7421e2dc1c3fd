"""Make a cluster of real daemons, each in a network namespace of its own, and take it away again.

    with cluster(Settings(hosts=3)) as it:
        it.start()
        it.wait(lambda: it.lives(0, 1, 2), 20, "a liveset of three")
        it.hosts[1].crash()

Everything that is made is taken away when the context ends, or the process does, however it does.
"""

from __future__ import annotations

import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hacore.clock import SystemClock
from lab.cluster import agent, machine
from lab.cluster.cluster import Cluster
from lab.cluster.daemonfile import KEY, Settings, config_text, name_of
from lab.cluster.history import History
from lab.cluster.host import Host
from lab.cluster.nets import Nets, make_nets, run
from lab.cluster.undo import Undo, start_time

STATEFILE_BYTES = 4 << 20
READY_SECONDS = 20.0
SLACK_SECONDS = 20.0
XENHAD = (sys.executable, "-m", "hacore", "run", "--config")


class ClusterError(RuntimeError):
    """The lab itself does not work."""


@contextmanager
def cluster(
    settings: Settings,
    *,
    reboots: bool = True,
    restarts: bool = False,
    daemon: Sequence[str] = XENHAD,
    slack_seconds: float = SLACK_SECONDS,
) -> Iterator[Cluster]:
    """Make a cluster whose hosts are off, and take it away at the end.

    Args:
        reboots: A host whose watchdog fired comes back.
        restarts: A daemon that ended is started again.
        daemon: The command that runs a daemon; the path of its configuration comes behind.
        slack_seconds: How much longer than necessary to wait for anything.
    """
    with ExitStack() as last, Undo() as undo, ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="xenha-"))
        undo.later("folder", str(folder))
        history = History(folder / "history", SystemClock())
        nets = make_nets(settings.hosts, settings.networks, undo)
        statefile = _shared_disk(folder, undo)
        _prepare(settings, folder, statefile)
        maker = _Maker(settings, folder, nets, history, undo, last, reboots, restarts, tuple(daemon))
        hosts = []
        for index in range(settings.hosts):
            host = maker.make(index, statefile)
            stack.callback(_switch_off, host)
            hosts.append(host)
        yield Cluster(settings, folder, nets, tuple(hosts), history, slack_seconds)


def _shared_disk(folder: Path, undo: Undo) -> Path:
    """Return a loop device over a file, both without a cache in between."""
    file = folder / "statefile"
    with file.open("wb") as out:
        out.truncate(STATEFILE_BYTES)
    undo.later("loops", str(file))
    return Path(run("losetup", "--direct-io=on", "--find", "--show", str(file)).strip())


def _prepare(settings: Settings, folder: Path, statefile: Path) -> None:
    """Write the key, and format the statefile as an administrator would."""
    (folder / "stamps").mkdir()
    key = folder / "key"
    key.touch(mode=0o600)
    key.write_text(f"{KEY}\n", encoding="ascii")
    config = folder / "init.toml"
    config.write_text(
        config_text(settings, 0, folder, statefile).replace(
            "BOOT_ID", "99999999-0000-4000-8000-000000000000"
        ),
        encoding="utf-8",
    )
    run(sys.executable, "-m", "hacore", "init", "--config", str(config))


@dataclass(frozen=True, slots=True)
class _Maker:
    settings: Settings
    folder: Path
    nets: Nets
    history: History
    undo: Undo
    last: ExitStack  # runs after everything was undone
    reboots: bool
    restarts: bool
    daemon: tuple[str, ...]

    def make(self, index: int, statefile: Path) -> Host:
        own = self.folder / name_of(index)
        (own / "disk").mkdir(parents=True)
        (own / "start").mkdir()
        self.last.enter_context(inject(statefile, own / "disk", self.undo))
        software = agent.Spec(
            host=index,
            folder=str(own),
            template=config_text(self.settings, index, self.folder, own / "disk" / "disk"),
            daemon=self.daemon,
            control_socket=str(own / "xenhad.sock"),
            history=str(self.history.path),
            restarts=self.restarts,
        )
        hardware = machine.Spec(
            host=index,
            command=(sys.executable, "-m", "lab.cluster.agent", software.write(own / "agent.json")),
            watchdog=str(own / "dog.sock"),
            watchdog_seconds=self.settings.watchdog_seconds,
            reboots=self.reboots,
            history=str(self.history.path),
            mode=str(own / "disk" / "mode"),
        )
        inside = ("ip", "netns", "exec", self.nets.namespace(index))
        process = subprocess.Popen(
            (*inside, sys.executable, "-m", "lab.cluster.machine", hardware.write(own / "machine.json")),
            stdin=subprocess.PIPE,
            text=True,
        )
        return Host(index, own, self.history, process)


def _switch_off(host: Host) -> None:
    """End the machine: it kills its host first."""
    assert host.machine.stdin is not None
    host.machine.stdin.close()
    host.machine.wait()


@contextmanager
def inject(backing: Path, folder: Path, undo: Undo) -> Iterator[None]:
    """Have the files of a fault injector in a folder; leave the context when all was undone.

    Raises:
        ClusterError: It did not start.
    """
    undo.later("mount", str(folder))
    command = (sys.executable, "-m", "lab.cluster.injector", str(backing), str(folder))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        undo.later("process", [process.pid, start_time(process.pid)])
        assert process.stdout is not None
        ready, _, _ = select.select((process.stdout,), (), (), READY_SECONDS)
        if not ready or not process.stdout.readline():
            process.kill()
            raise ClusterError(f"the fault injector of {folder} did not start")
        yield
