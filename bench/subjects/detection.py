"""From a power cut to "declared dead" (MEMBERSHIP G5), with real daemons in namespaces over one disk."""

from __future__ import annotations

from bench.scale import Scale
from bench.table import Row, at_most
from hacore.clock import Stopwatch
from lab.cluster.cluster import Cluster
from lab.cluster.daemonfile import Settings
from lab.cluster.judge import detection_seconds
from lab.cluster.making import cluster
from lab.cluster.needs import missing
from lab.cluster.perform import told

SUBJECT = "crash of a host"
TIMEOUT_SECONDS = 10.0
SMOKE_TIMEOUT_SECONDS = 2.0
RATE = 1.01
"""1 + ρ."""
MARGIN_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
HOSTS = 3


def measure(scale: Scale) -> list[Row]:
    """Return how long the slowest crash took to be noticed, and until its VM ran elsewhere."""
    if lacking := missing():
        return [Row(SUBJECT, "not measured", f"needs {'; '.join(lacking)}")]
    timeout_seconds = SMOKE_TIMEOUT_SECONDS if scale.quick else TIMEOUT_SECONDS
    with cluster(Settings(HOSTS, timeout_seconds=timeout_seconds)) as made:
        made.start()
        formed = Stopwatch.start(scale.clock)
        _whole(made)
        forming_seconds = formed.seconds()
        for i in range(scale.count(5)):
            _crash(made, i % HOSTS)
        return _rows(made, timeout_seconds, forming_seconds)


def _whole(made: Cluster) -> None:
    made.wait(lambda: made.lives(*range(HOSTS)), PATIENCE_SECONDS, "a liveset of all")


def _crash(made: Cluster, victim: int) -> None:
    """Cut a host's power, wait until its VMs run elsewhere, bring it back with a VM to lose."""
    before = len(made.events("took-over"))
    made.hosts[victim].crash()
    made.wait(lambda: len(made.events("took-over")) > before, PATIENCE_SECONDS, "its VM runs elsewhere")
    made.hosts[victim].start_vm(f"vm-{made.history.path.stat().st_size}")
    made.hosts[victim].power_on()
    _whole(made)


def _rows(made: Cluster, timeout_seconds: float, forming_seconds: float) -> list[Row]:
    story = told(made)
    crashes = [boot for boot in story.boots if boot.why == "crash"]
    found = [detection_seconds(story, boot) for boot in crashes]
    assert all(seconds is not None for seconds in found), "a crash that nobody noticed"
    seen = [seconds for seconds in found if seconds is not None]
    beat_seconds = max(timeout_seconds / 20, 0.1)
    limit_seconds = timeout_seconds * RATE + beat_seconds + MARGIN_SECONDS
    return [
        at_most(
            SUBJECT,
            f"declared dead, slowest of {len(seen)}, T = {timeout_seconds:g} s",
            max(seen),
            limit_seconds,
            "s",
        ),
        Row(SUBJECT, "declared dead, fastest", f"{min(seen):.2f} s"),
        Row(SUBJECT, "three hosts from power on to a liveset", f"{forming_seconds:.2f} s"),
        Row(SUBJECT, "longest the machine was elsewhere", f"{story.latest_ns / 1e9:.3f} s"),
    ]
