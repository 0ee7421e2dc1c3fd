"""What people are told: words, and hosts that the shell calls by their names. Decides nothing.

The core knows hosts by their index, and nobody else should have to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hacore.core.cliques import hosts_in

Name = Callable[[int], str]
"""What people call the host of an index."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """A mask of hosts, to be told by name."""

    mask: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """For what somebody waits; no words: for nothing."""

    words: str = ""
    hosts: int = 0  # mask: the hosts it is about


NOT_WAITING = Waiting()
FOR_STORAGE = Waiting("storage")
FOR_COPIES = Waiting("clean copies of the own slot: for an hour, failed writes may still land on the others")

Value = str | int | bool | Hosts | Waiting
"""What a line of the journal may hold."""


def one(host: int) -> Hosts:
    """Return a single host; NOBODY: none."""
    return Hosts(1 << host if host >= 0 else 0)


def spoken(value: Value, name: Name) -> str | int | bool:
    """Return a value with every host by its name."""
    match value:
        case Hosts(mask):
            return ",".join(name(host) for host in hosts_in(mask)) or "nobody"
        case Waiting(words, hosts):
            return f"{words}: {', '.join(name(host) for host in hosts_in(hosts))}" if hosts else words
    return value
