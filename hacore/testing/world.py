"""The simulated world: one queue of events, one instant after the other, nothing in between.

The same plan and the same seed give the same story, event by event. Decides only what chance decides; what
hosts do is up to their machines, and whether that was right is up to the checkers (`Watcher`).
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Protocol

from hacore.core.effects import Note
from hacore.core.rules import RULES, Rules
from hacore.records import FenceCause
from hacore.testing.disk import Copy, FakeDisk
from hacore.testing.host import Host
from hacore.testing.network import Air
from hacore.testing.plan import Plan
from hacore.testing.twins import TWINS, Twins

WORLD = -1
"""Stands for the world itself where a host is named."""


class Watcher(Protocol):
    """Who looks on: checkers, judges, story tellers."""

    def looked(self, host: Host) -> None:
        """A machine has decided something."""

    def arming(self, host: Host) -> None: ...
    def vms_started(self, host: Host) -> None: ...
    def fenced(self, host: Host, cause: FenceCause | None) -> None:
        """A host is about to fence itself; None: its watchdog fires."""

    def went_down(self, host: Host) -> None:
        """A host goes down; what it was is still to be seen."""

    def landed(self, host: int, content: Copy) -> None: ...
    def noted(self, host: Host, note: Note) -> None: ...
    def tell(self, host: int, text: str) -> None:
        """Something happened in the world."""


class World:
    """n hosts, a disk, a network, and the time."""

    def __init__(
        self, plan: Plan, rng: Random, watchers: Callable[[World], list[Watcher]], rules: Rules, twins: Twins
    ) -> None:
        self.plan, self.rng, self.rules, self.twins = plan, rng, rules, twins
        self.timing = plan.timing
        self.now_ns = 1  # 0 means never to everybody
        self.events = 0
        self._queue: list[tuple[int, int, Callable[..., None], tuple[object, ...]]] = []
        self._numbered = 0
        self.disk = FakeDisk(plan.hosts, 4 * plan.timeout_ns)
        self.air = Air(plan.hosts, rng, self.at, lambda: self.now_ns, plan.networks)
        self.hosts = [Host(self, index) for index in range(plan.hosts)]
        self._watchers = watchers(self)
        for host in self.hosts:
            late = plan.late_start_ns[host.index] if plan.late_start_ns else 0
            self.at(self.now_ns + late + int(rng.random() * plan.spread_ns), host.boot)

    def at(self, when_ns: int, act: Callable[..., None], *values: object) -> None:
        """Let something happen at a true instant."""
        self._numbered += 1
        heappush(self._queue, (when_ns, self._numbered, act, values))

    def run(self, until_ns: int) -> None:
        """Let everything happen up to an instant."""
        queue = self._queue
        while queue and queue[0][0] <= until_ns:
            self.now_ns, _, act, values = heappop(queue)
            self.events += 1
            act(*values)
        self.now_ns = until_ns

    # what hosts tell those who look on

    def looked(self, host: Host) -> None:
        for watcher in self._watchers:
            watcher.looked(host)

    def arming(self, host: Host) -> None:
        for watcher in self._watchers:
            watcher.arming(host)

    def vms_started(self, host: Host) -> None:
        for watcher in self._watchers:
            watcher.vms_started(host)

    def fenced(self, host: Host, cause: FenceCause | None) -> None:
        for watcher in self._watchers:
            watcher.fenced(host, cause)

    def went_down(self, host: Host) -> None:
        for watcher in self._watchers:
            watcher.went_down(host)

    def landed(self, host: int, content: Copy) -> None:
        for watcher in self._watchers:
            watcher.landed(host, content)

    def noted(self, host: Host, note: Note) -> None:
        for watcher in self._watchers:
            watcher.noted(host, note)

    def tell(self, host: int, text: str) -> None:
        for watcher in self._watchers:
            watcher.tell(host, text)

    def daemon_ended(self, host: Host, why: str) -> None:
        if host.daemon is not None and not host.daemon.alive:
            host.daemon = None
        self.tell(host.index, f"daemon ends: {why}")


def world(plan: Plan, rng: Random, *, rules: Rules = RULES, twins: Twins = TWINS) -> World:
    """Return a world without anybody who looks on."""
    return World(plan, rng, lambda _: [], rules, twins)
