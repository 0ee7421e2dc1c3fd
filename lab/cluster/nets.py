"""Hosts in network namespaces, joined by switches that can be unplugged. Knows no daemon.

Every switch is a bridge in a namespace of its own, so nothing shows up among the interfaces of the machine.
A host has one link to each switch: eth0, eth1, …; the switch answers as the gateway. Every namespace is named
`xenha-` and the number of the process that made it, so clusters stand beside each other.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from itertools import count

from lab.cluster.undo import Undo

FAMILIES = ("inet", "inet6")
"""Of the first network, of the second: both families of addresses, so that either can be lost."""
SUBNETS = {"inet": "10.77.{network}.{number}", "inet6": "fd77:0:0:{network}::{number}"}
PREFIX_LENGTHS = {"inet": 24, "inet6": 64}
RULES = {"inet": "ip", "inet6": "ip6"}
GATEWAY = 254
_TABLE = "xenha"
_serial = count(1)


class NetworkError(RuntimeError):
    """`ip` or `nft` refused."""


def run(*command: str) -> str:
    """Run a command to its end and return what it said.

    Raises:
        NetworkError: It failed.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NetworkError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def address(host: int, network: int) -> str:
    """Return a host's address on a network."""
    return _numbered(network, host + 1)


def gateway(network: int) -> str:
    """Return the address the switch answers at."""
    return _numbered(network, GATEWAY)


def family(network: int) -> str:
    """Return which family of addresses a network has."""
    return FAMILIES[network]


def _numbered(network: int, number: int) -> str:
    return SUBNETS[family(network)].format(network=network, number=number)


def _settled(address: str, network: int) -> tuple[str, ...]:
    """Return the words for an address that is usable at once: nobody here has the same one."""
    words = (f"{address}/{PREFIX_LENGTHS[family(network)]}",)
    return (*words, "nodad") if family(network) == "inet6" else words


@dataclass(frozen=True, slots=True)
class Nets:
    """`hosts` namespaces and `networks` switches. Hosts and networks are numbered from 0."""

    name: str
    hosts: int
    networks: int

    def namespace(self, host: int) -> str:
        """Return the name of a host's namespace."""
        return f"{self.name}-host-{host + 1}"

    @property
    def switches(self) -> str:
        """The namespace of all switches."""
        return f"{self.name}-switch"

    # Faults

    def unplug_at_host(self, host: int, network: int = 0) -> None:
        """Take the host's own interface down."""
        self._host(host, "link", "set", f"eth{network}", "down")

    def plug_at_host(self, host: int, network: int = 0) -> None:
        """Take it up again; the kernel has forgotten its routes."""
        self._host(host, "link", "set", f"eth{network}", "up")
        self._route(host, network)

    def unplug_at_switch(self, host: int, network: int = 0) -> None:
        """Take the switch's port down: the host loses carrier."""
        self._switch("link", "set", _port(host, network), "down")

    def plug_at_switch(self, host: int, network: int = 0) -> None:
        """Take the port up again."""
        self._switch("link", "set", _port(host, network), "up")

    def kill_switch(self, network: int = 0) -> None:
        """Let a switch forward nothing and answer nobody; its ports keep their carrier."""
        self._switch("link", "set", f"br{network}", "down")

    def revive_switch(self, network: int = 0) -> None:
        """Let it forward again."""
        self._switch("link", "set", f"br{network}", "up")

    def lose(self, sender: int, receiver: int) -> None:
        """Drop what goes from one host to another, on every network; the other way stays open."""
        inside = ("ip", "netns", "exec", self.namespace(receiver), "nft")
        run(*inside, "add", "table", "inet", _TABLE)
        run(*inside, "add", "chain", "inet", _TABLE, "in", "{ type filter hook input priority 0 ; }")
        for network in range(self.networks):
            source = (RULES[family(network)], "saddr", address(sender, network))
            run(*inside, "add", "rule", "inet", _TABLE, "in", *source, "drop")

    def heal(self, receiver: int) -> None:
        """Drop nothing more at a host."""
        run("ip", "netns", "exec", self.namespace(receiver), "nft", "flush", "ruleset")

    # Making

    def make(self, undo: Undo) -> None:
        """Make namespaces, switches and links.

        Raises:
            NetworkError: The kernel refused, or this process is not root.
        """
        self._make_namespace(self.switches, undo)
        for network in range(self.networks):
            self._switch(
                "link", "add", f"br{network}", "type", "bridge", "stp_state", "0", "forward_delay", "0"
            )
            self._switch("address", "add", *_settled(gateway(network), network), "dev", f"br{network}")
            self._switch("link", "set", f"br{network}", "up")
        for host in range(self.hosts):
            self._make_namespace(self.namespace(host), undo)
            for network in range(self.networks):
                self._make_link(host, network)

    def _make_namespace(self, name: str, undo: Undo) -> None:
        undo.later("namespace", name)
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")

    def _make_link(self, host: int, network: int) -> None:
        port, link = _port(host, network), f"eth{network}"
        peer = ("peer", "name", link, "netns", self.namespace(host))
        self._switch("link", "add", port, "type", "veth", *peer)
        self._switch("link", "set", port, "master", f"br{network}", "up")
        self._host(host, "address", "add", *_settled(address(host, network), network), "dev", link)
        self._host(host, "link", "set", link, "up")
        self._route(host, network)

    def _route(self, host: int, network: int) -> None:
        """The first network has the default gateway."""
        if network == 0:
            self._host(host, "route", "replace", "default", "via", gateway(0), "dev", "eth0")

    def _host(self, host: int, *words: str) -> None:
        run("ip", "-n", self.namespace(host), *words)

    def _switch(self, *words: str) -> None:
        run("ip", "-n", self.switches, *words)


def _port(host: int, network: int) -> str:
    return f"port{host + 1}-{network}"


def make_nets(hosts: int, networks: int, undo: Undo) -> Nets:
    """Make the namespaces of one cluster; `undo` takes them away again."""
    nets = Nets(f"xenha-{os.getpid()}-{next(_serial)}", hosts, networks)
    nets.make(undo)
    return nets
