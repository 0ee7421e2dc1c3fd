"""Some moves that reach the level, made one after the other where each helps most: no proof of anything.

What the search by number would take too long for: many moves in a large pool. Each move fits when made. Must
never be called the fewest by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.repair.judge import Judge
from planner.repair.lost import Lost
from planner.repair.refute import Volume
from planner.repair.yard import Displaced, Yard

MOVES_A_HOST = 2
"""After so many moves for each host it gives up."""


def descend(yard: Yard, judge: Judge, failures: int) -> Displaced | None:
    """Return moves (group, host) in the order they are made; None if it got nowhere."""
    made: Displaced = ()
    for _ in range(MOVES_A_HOST * len(yard.problem.hosts)):
        ruling = judge.ask(yard.problem_after(made), failures)
        if ruling.holds:
            return made
        if ruling.lost is None or judge.deadline.passed():
            return None
        move = _by_volume(yard, made, failures) or _by_proofs(yard, made, ruling.lost)
        if move is None:
            return None
        made = (*made, move)
    return None


def _by_volume(yard: Yard, made: Displaced, failures: int) -> tuple[int, int] | None:
    """Return the move of an unprotected VM to one of the heaviest hosts that leaves least lacking.

    Of those that leave nothing lacking the lightest, else the one that levels most. Where nothing is lacking
    already, sizes do not go into the gaps: more is left over then, for them to fit.
    """
    volume = Volume.of(yard.problem_after(made), failures)
    spare = volume.lacking_bytes <= 0
    weights = volume.weights
    heaviest = sorted(range(len(weights)), key=lambda host: -weights[host])[: max(1, failures)]
    best: tuple[tuple[int, int], tuple[int, int]] | None = None
    for number, to in _moves(yard, made, heaviest):
        group = yard.groups[number]
        need, gap = group.need_bytes, weights[to] - weights[group.home]
        if group.protected or gap <= need:
            continue
        lacking = volume.lacking_with(((group.home, need), (to, -need)))
        enough = lacking <= 0 and not spare
        score = (0, need) if enough else (lacking, -need * (gap - need))
        if best is None or score < best[0]:
            best = (score, (number, to))
    return best[1] if best else None


def _by_proofs(yard: Yard, made: Displaced, hosts: int) -> tuple[int, int] | None:
    """Return the move after which the proofs of a lost set lack least, the lightest of equals."""
    lost = Lost.of(yard.problem_after(made), hosts)
    now = max((proof.excess for proof in lost.proofs), default=0)
    scores = [
        (lost.excess_after(yard.groups[number], to), yard.groups[number].need_bytes, (number, to))
        for number, to in _moves(yard, made, range(len(yard.problem.hosts)))
        if not hosts >> yard.groups[number].home & 1
    ]
    best = min(scores, default=None)
    return best[2] if best and best[0] < now else None


def _moves(yard: Yard, made: Displaced, targets: list[int] | range) -> Iterator[tuple[int, int]]:
    """Yield the moves that fit now, of VMs that have not moved yet."""
    stock, left = yard.stock(made), yard.left(made)
    for number, group in enumerate(yard.groups):
        if group.home >= 0 and left[number]:
            for to in targets:
                if to != group.home and group.candidates >> to & 1 and stock.fits(group, to):
                    yield number, to
