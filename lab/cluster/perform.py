"""Perform a drill: form, break, wait, judge. Says what happened; prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hacore.clock import Stopwatch, SystemClock
from lab.cluster.cluster import Cluster, NotSeenError
from lab.cluster.drills import DRILLS
from lab.cluster.drills.steps import Drill
from lab.cluster.judge import judge
from lab.cluster.making import SLACK_SECONDS, XENHAD, cluster
from lab.cluster.story import NS, Story, story_of

BEATS_PER_T = 20
DISTURBED_T = 1 / 10
"""The computer was elsewhere for longer than a watchdog's patience: fences may have been its fault."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a drill."""

    name: str
    wrong: tuple[str, ...]  # sentences; empty: all is well
    story: Story
    seconds: float
    latest_seconds: float  # how long the computer let the lab wait at worst
    disturbed: bool


def told(made: Cluster) -> Story:
    """Return what has happened in a cluster so far."""
    journals = {host.index: host.journal for host in made.hosts}
    return story_of(made.history.read(), made.runs(), journals)


def perform(
    name: str,
    timeout_seconds: float | None = None,
    watch: Callable[[Cluster], object] | None = None,
    ended: Callable[[], object] | None = None,
    daemon: Sequence[str] = XENHAD,
    slack_seconds: float = SLACK_SECONDS,
) -> Report:
    """Make a cluster for a drill, perform it and take the cluster away again.

    Args:
        name: Of DRILLS.
        timeout_seconds: T; None: the drill's own.
        watch: Gets the cluster before it is started, to look on.
        ended: Called while everything can still be looked at.
        daemon: The command that runs a daemon.
        slack_seconds: How much longer than necessary to wait for anything.
    """
    drill, clock = DRILLS[name], SystemClock()
    settings = drill.settings
    if timeout_seconds is not None:
        settings = replace(settings, timeout_seconds=timeout_seconds)
    stopwatch = Stopwatch.start(clock)
    with cluster(settings, restarts=drill.restarts, daemon=daemon, slack_seconds=slack_seconds) as made:
        if watch is not None:
            watch(made)
        wrong = _act(made, drill)
        story = told(made)
        if ended is not None:
            ended()
    wrong += judge(story, drill.fenced) + _fenced_too_few(story, drill)
    latest_seconds = story.latest_ns / NS
    disturbed = latest_seconds > settings.timeout_seconds * DISTURBED_T
    return Report(name, wrong, story, stopwatch.seconds(), latest_seconds, disturbed)


def _act(made: Cluster, drill: Drill) -> tuple[str, ...]:
    everybody = range(made.settings.hosts)
    try:
        made.start()
        made.wait(lambda: made.lives(*everybody), SLACK_SECONDS, "a liveset of all")
        for host in everybody:
            made.wait(lambda vm=f"vm-{host + 1}": made.running(vm) is not None, SLACK_SECONDS, "VMs")  # type: ignore[misc]
        drill.act(made)
    except NotSeenError as error:
        return (str(error),)
    return ()


def _fenced_too_few(story: Story, drill: Drill) -> tuple[str, ...]:
    fenced = {fence.host for fence in story.fences}
    return tuple(f"host {host} should have been fenced" for host in sorted(drill.fenced - fenced))
