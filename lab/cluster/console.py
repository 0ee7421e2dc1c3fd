"""What a person may do to a running cluster, in words typed at its console. Hosts are numbered from 1."""

from __future__ import annotations

import signal
from collections.abc import Callable

from lab.cluster.cluster import Cluster
from lab.cluster.daemonfile import name_of
from lab.cluster.faults import BadFaultError
from lab.cluster.nets import NetworkError

HELP = """\
crash N | on N          cut the power of host N; switch it on
pause N | go N          stop all of host N (SIGSTOP); let it go on
kill N | start N        kill the daemon of host N, and only it; start it again
cut N | plug N          pull the cable of host N at the switch; plug it in
mute N | hear N         lose what host N sends; lose nothing more
switch off | switch on  the switch forwards nothing; it does again
disk N FAULT            ok, eio, hang, delay:250, gone, write=torn, write=ghost:500, read=eio …
leave N                 ask host N to leave the liveset, which ends its daemon
weight N W              set the weight of host N
vms                     which VM runs where, and which does not run any more
status                  what every host says of itself
help                    this text; Ctrl-C ends the cluster and takes everything away"""


class Console:
    """Understands one line at a time."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        hosts, nets = cluster.hosts, cluster.nets
        self._on_host: dict[str, Callable[[int], object]] = {
            "crash": lambda n: hosts[n].crash(),
            "on": lambda n: hosts[n].power_on(),
            "pause": lambda n: hosts[n].pause(),
            "go": lambda n: hosts[n].resume(),
            "kill": lambda n: hosts[n].signal_daemon(signal.SIGKILL),
            "cut": nets.unplug_at_switch,
            "plug": nets.plug_at_switch,
            "mute": self._mute,
            "hear": self._hear,
            "leave": lambda n: hosts[n].command("leave"),
            "start": lambda n: hosts[n].start_daemon(),
        }

    def obey(self, line: str) -> str:
        """Do what a line says and return what to show; a line that is not understood is answered with why."""
        try:
            return self._obey(line.split()) or ""
        except (OSError, NetworkError, BadFaultError, ValueError) as error:
            return str(error)

    def _obey(self, words: list[str]) -> str | None:
        match words:
            case []:
                return None
            case ["help"]:
                return HELP
            case ["status"]:
                return self._cluster.table()
            case ["vms"]:
                return _vms(self._cluster)
            case ["switch", "off"]:
                self._cluster.nets.kill_switch()
            case ["switch", "on"]:
                self._cluster.nets.revive_switch()
            case ["disk", number, *fault] if fault:
                self._cluster.hosts[self._host(number)].disk(" ".join(fault))
            case ["weight", number, weight]:
                host = self._cluster.hosts[self._host(number)]
                return host.command("set-weight", weight=int(weight))
            case [word, number] if word in self._on_host:
                said = self._on_host[word](self._host(number))
                return said if isinstance(said, str) else None
            case _:
                return f"not understood: {' '.join(words)}\n{HELP}"
        return None

    def _mute(self, host: int) -> None:
        for other in range(len(self._cluster.hosts)):
            if other != host:
                self._cluster.nets.lose(host, other)

    def _hear(self, host: int) -> None:
        for other in range(len(self._cluster.hosts)):
            if other != host:
                self._cluster.nets.heal(other)

    def _host(self, typed: str) -> int:
        return index_of(typed, len(self._cluster.hosts))


def index_of(typed: str, hosts: int) -> int:
    """Return the index of a host by its number or name: 3 or host-3. Raises ValueError."""
    names = {name_of(index): index for index in range(hosts)}
    found = names.get(typed, names.get(f"host-{typed}"))
    if found is None:
        raise ValueError(f"host {typed!r}: expected a number from 1 to {hosts}")
    return found


def _vms(cluster: Cluster) -> str:
    return "\n".join(
        f"{vm} on host-{host + 1}" if alive else f"{vm} dead with host-{host + 1}"
        for vm, (host, alive) in cluster.homes().items()
    )
