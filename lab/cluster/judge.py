"""Whether the guarantees of MEMBERSHIP §1 held in a story. Looks at nothing but what was recorded.

Knows nothing of how the daemon decides: G1 is about what VMs did while somebody called their host dead, G2
about what daemons said of one epoch, G4 about who armed. G3 needs to know what was done to the cluster: the
drill says who may be fenced.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from lab.cluster.story import NS, Boot, Epoch, Story

JOURNAL_SLACK_NS = NS
"""A daemon's line may be written that much later than the watchdog was opened."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a story in which one thing was done to the cluster."""

    start_ns: int
    end_ns: int
    fenced: frozenset[int]  # these may be, once each
    all_fenced: bool = True  # and all of them must have been


def judge(story: Story, may_be_fenced: frozenset[int]) -> tuple[str, ...]:
    """Return every violation as a sentence; none: all guarantees held."""
    return (*_whatever_was_done(story), *_needless_fences(story, may_be_fenced))


def judge_windows(story: Story, windows: tuple[Window, ...]) -> tuple[str, ...]:
    """Return every violation of a long story; in each window other fences are right, outside of all none."""
    between = tuple(
        fence
        for fence in story.fences
        if not any(window.start_ns <= fence.at_ns <= window.end_ns for window in windows)
    )
    return (
        *_whatever_was_done(story),
        *_needless_fences(replace(story, fences=between), frozenset()),
        *(sentence for window in windows for sentence in _fences_of(story, window)),
    )


def _whatever_was_done(story: Story) -> Iterator[str]:
    yield from _exclusion(story)
    yield from _one_copy(story)
    yield from _one_view(story)
    yield from _epochs_grow(story)
    yield from _armed_only_as_member(story)


def _fences_of(story: Story, window: Window) -> Iterator[str]:
    within = tuple(fence for fence in story.fences if window.start_ns <= fence.at_ns <= window.end_ns)
    yield from _needless_fences(replace(story, fences=within), window.fenced)
    if window.all_fenced:
        for host in sorted(window.fenced - {fence.host for fence in within}):
            yield f"host {host} should have been fenced"


def detection_seconds(story: Story, boot: Boot) -> float | None:
    """Return how long after the power cut somebody first called the host dead; None: nobody did."""
    assert boot.asked_ns is not None
    said = [dead.at_ns for dead in story.dead if dead.host == boot.host and dead.at_ns > boot.asked_ns]
    return (min(said) - boot.asked_ns) / NS if said else None


def _exclusion(story: Story) -> Iterator[str]:
    """G1: a VM's host is not called dead while the VM runs."""
    for dead in story.dead:
        for run in story.runs:
            if run.host == dead.host and run.first_ns <= dead.at_ns < run.last_ns:
                late = (run.last_ns - dead.at_ns) / NS
                yield f"G1: {run.vm} on host {run.host} ran {late:.3f} s after host {dead.by} called it dead"


def _one_copy(story: Story) -> Iterator[str]:
    """G1, seen by the VM: it never runs at two places at once."""
    for one, other in combinations(sorted(story.runs, key=lambda run: run.first_ns), 2):
        if one.vm == other.vm and other.first_ns <= one.last_ns:
            both = (one.last_ns - other.first_ns) / NS
            yield f"G1: {one.vm} ran on host {one.host} and host {other.host} at once for {both:.3f} s"


def _one_view(story: Story) -> Iterator[str]:
    """G2: an epoch says the same to everybody."""
    first: dict[int, Epoch] = {}
    for each in story.epochs:
        known = first.setdefault(each.epoch, each)
        if (known.liveset, known.leader) != (each.liveset, each.leader):
            yield (
                f"G2: epoch {each.epoch} is {sorted(known.liveset)} under {known.leader} to host {known.by}, "
                f"{sorted(each.liveset)} under {each.leader} to host {each.by}"
            )


def _epochs_grow(story: Story) -> Iterator[str]:
    """G2: a host never goes back to an older epoch, not even by a reboot."""
    newest: dict[int, int] = {}
    for each in story.epochs:
        if each.epoch < newest.get(each.by, 0):
            yield f"G2: host {each.by} went back from epoch {newest[each.by]} to {each.epoch}"
        newest[each.by] = max(each.epoch, newest.get(each.by, 0))


def _needless_fences(story: Story, may_be_fenced: frozenset[int]) -> Iterator[str]:
    """G3: nobody is fenced whom the fault did not touch; nobody twice."""
    fenced: set[int] = set()
    for fence in story.fences:
        if fence.host not in may_be_fenced:
            yield f"G3: host {fence.host} was fenced ({fence.why}) though its VMs were well where they were"
        elif fence.host in fenced:
            yield f"G4: host {fence.host} was fenced again ({fence.why}): a loop"
        fenced.add(fence.host)


def _armed_only_as_member(story: Story) -> Iterator[str]:
    """G4: a life of a host arms only after it became a member in it."""
    for mark in story.armed:
        became = any(
            (each.host, each.boot) == (mark.host, mark.boot) and each.at_ns <= mark.at_ns + JOURNAL_SLACK_NS
            for each in story.member
        )
        if not became:
            yield f"G4: host {mark.host} armed in its life {mark.boot} without having been a member in it"
