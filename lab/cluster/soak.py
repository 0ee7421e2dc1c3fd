"""A cluster that is struck again and again, for as long as wanted; every stroke is judged. Prints nothing.

One cluster, one history: what a stroke leaves behind, the next one meets. G1, G2 and G4 are judged over
everything, G3 stroke by stroke, G5 at every power cut. The last host is struck only together with all others:
memory and files of its daemon must not grow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from hacore.clock import Deadline, Stopwatch, SystemClock
from lab.cluster.cluster import Cluster, NotSeenError
from lab.cluster.daemonfile import GRANULARITY_SECONDS, Settings, name_of
from lab.cluster.history import Record
from lab.cluster.judge import Window, detection_seconds, judge_windows
from lab.cluster.making import SLACK_SECONDS, cluster
from lab.cluster.perform import DISTURBED_T, told
from lab.cluster.story import NS, Story
from lab.cluster.strokes import STROKES, plan

VMS_PER_HOST = 2
"""On average; takers-over gather more, and each costs processor time."""
DETECTION_SLACK_SECONDS = 1.0
WORN_COPIES = 2
"""An operator reboots a host when its slot has that many copies left (MEMBERSHIP §3)."""


@dataclass(frozen=True, slots=True)
class Uses:
    """What a daemon takes of its host."""

    pid: int
    memory_kib: int  # resident
    files: int
    threads: int


@dataclass(frozen=True, slots=True)
class Round:
    """One stroke and what came of it."""

    stroke: str
    host: int
    seconds: float
    late_seconds: float  # how long the computer let the lab wait at worst
    uses: Uses | None  # of the host that is never struck; None: its daemon did not run
    window: Window
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of all of it."""

    rounds: tuple[Round, ...]
    wrong: tuple[str, ...]  # sentences; empty: all is well
    detection_seconds: tuple[float, ...]  # of all power cuts
    bound_seconds: float  # of these


def soak(
    settings: Settings,
    seconds: float,
    seed: int,
    tell: Callable[[Round], object],
    strokes: int | None = None,
) -> Soaked:
    """Strike a cluster of its own until the time is over, or for so many strokes; stop at the first wrong."""
    clock, chance, rounds = SystemClock(), Random(seed), list[Round]()
    with cluster(settings) as made:
        made.start()
        made.wait(lambda: made.lives(*range(settings.hosts)), SLACK_SECONDS, "a liveset of all")
        deadline = Deadline.after(clock, seconds)
        while not deadline.passed() and (strokes is None or len(rounds) < strokes):
            _spread_vms(made, len(rounds))
            worn = _worn(made)
            rounds.append(_strike(made, *(plan(chance, settings.hosts) if worn is None else worn)))
            tell(rounds[-1])
            if rounds[-1].wrong:
                break
        return verdict(told(made), tuple(rounds), settings)


def verdict(story: Story, rounds: tuple[Round, ...], settings: Settings) -> Soaked:
    """Judge everything that was recorded."""
    wrong = tuple(sentence for each in rounds for sentence in each.wrong)
    wrong += judge_windows(story, tuple(each.window for each in rounds))
    took = tuple(_detections(story))
    bound = bound_seconds(settings)
    late = max((each.late_seconds for each in rounds), default=0.0)
    wrong += tuple(
        f"G5: a host was called dead {each:.2f} s after its power was cut; expected at most {bound:.2f} s"
        for each in took
        if each > bound + late
    )
    return Soaked(rounds, wrong, took, bound)


def bound_seconds(settings: Settings) -> float:
    """Return T·(1+ρ) + g + a read interval (MEMBERSHIP G5 and §2), and a second for the computer."""
    timeout = settings.timeout_seconds
    read_interval = min(max(timeout / 20, 0.1), 3.0)
    return timeout * 1.01 + GRANULARITY_SECONDS + read_interval + DETECTION_SLACK_SECONDS


def _detections(story: Story) -> Iterator[float]:
    for boot in story.boots:
        seconds = detection_seconds(story, boot) if boot.why == "crash" else None
        if seconds is not None:
            yield seconds


def _worn(made: Cluster) -> tuple[str, int] | None:
    """Return the reboot of a host that would soon leave: each outage costs it a clean copy of its slot."""
    for host in made.hosts:
        status = host.status()
        if status is not None and status.storage.copies_left <= WORN_COPIES:
            return "reboot", host.index
    return None


def _spread_vms(made: Cluster, number: int) -> None:
    """Give hosts without a VM one, while there are not too many."""
    homes = [host for host, alive in made.homes().values() if alive]
    for host in made.hosts[: max(0, VMS_PER_HOST * len(made.hosts) - len(homes))]:
        if host.index not in homes:
            host.start_vm(f"vm-{number}-{host.index + 1}")


def _strike(made: Cluster, name: str, host: int) -> Round:
    clock, stroke, wrong = SystemClock(), STROKES[name], tuple[str, ...]()
    start_ns, stopwatch = clock.monotonic_ns(), Stopwatch.start(clock)
    try:
        stroke.act(made, host)
    except NotSeenError as error:
        wrong = (f"{name} of {name_of(host)}: {error}",)
    window = Window(start_ns, clock.monotonic_ns(), frozenset({host} if stroke.fences else ()))
    late = latest_seconds(made.history.read(), window)
    window = _forgiving(window, late > made.settings.timeout_seconds * DISTURBED_T, len(made.hosts))
    return Round(name, host, stopwatch.seconds(), late, uses_of(made.hosts[-1].folder), window, wrong)


def _forgiving(window: Window, disturbed: bool, hosts: int) -> Window:
    """Expect nothing of fences while the computer was elsewhere: watchdogs fired for that."""
    if not disturbed:
        return window
    return Window(window.start_ns, window.end_ns, frozenset(range(hosts)), all_fenced=False)


def latest_seconds(records: tuple[Record, ...], window: Window) -> float:
    """Return by how much watchdogs or their alarm clocks were late at worst."""
    found = [
        int(record.values.get("late_ns", record.values.get("by_ns", 0)))
        for record in records
        if record.what in ("late", "fence") and window.start_ns <= record.at_ns <= window.end_ns
    ]
    return max(found, default=0) / NS


def uses_of(folder: Path, proc: Path = Path("/proc")) -> Uses | None:
    """Return what the daemon of a host's folder takes; None: it does not run."""
    try:
        pid = int((folder / "xenhad.pid").read_text(encoding="ascii"))
        pairs = (line.partition(":") for line in (proc / str(pid) / "status").read_text().splitlines())
        said = {key: value for key, _, value in pairs}
        files = len(list((proc / str(pid) / "fd").iterdir()))
    except OSError:
        return None
    return Uses(pid, int(said["VmRSS"].split()[0]), files, int(said["Threads"]))


def round_text(each: Round) -> str:
    """Return a stroke as a line."""
    late = f", the computer was elsewhere for {each.late_seconds:.2f} s" if each.late_seconds > 0.1 else ""
    outcome = "; ".join(each.wrong) or "as it should be"
    memory = f"{each.uses.memory_kib:6} KiB" if each.uses else " " * 10
    return f"{each.stroke:13} {name_of(each.host)}  {each.seconds:5.1f} s  {memory}  {outcome}{late}"


def soaked_text(found: Soaked) -> Iterator[str]:
    """Yield what came of everything, as lines."""
    kinds = len({each.stroke for each in found.rounds})
    yield f"{len(found.rounds)} strokes of {kinds} kinds"
    took = found.detection_seconds
    if took:
        worst = f"{max(took):.2f} s after it, at most {found.bound_seconds:.2f} s expected"
        yield f"{len(took)} power cuts, called dead at worst {worst}"
    used = [each.uses for each in found.rounds if each.uses is not None]
    for pid in dict.fromkeys(each.pid for each in used):
        mine = [each for each in used if each.pid == pid]
        first, last = mine[0], mine[-1]
        yield (
            f"the daemon that was spared (pid {pid}, over {len(mine)} strokes): "
            f"{first.memory_kib} KiB, at the end {last.memory_kib}; {first.files} files, then {last.files}; "
            f"{first.threads} threads, then {last.threads}"
        )
    yield from found.wrong
    yield "went wrong" if found.wrong else "as it should be: G1 to G5 held"
