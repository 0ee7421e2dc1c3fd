"""Who survives by xapi's own rule (xhad's fault handler), for comparison. Must never be used to decide.

Written from the semantic specification alone, apart from `hacore.core.survival`: phase 2 (the consistent view
and the merge when there is none) and phase 3 (SR1a, SR1b, SR2). Weights are all 1, as xapi never sets any.
"""

from __future__ import annotations

from collections.abc import Sequence


def survivors(rows: Sequence[int], storage: int, excluded: int = 0) -> int:
    """Return the mask of the hosts that do not fence themselves.

    `rows`: by host, whom it hears; `storage`: who uses the statefile; `excluded`: shut down cleanly.
    """
    hosts = [host for host in range(len(rows)) if not excluded >> host & 1]
    heard = [_mutual(rows, host, hosts) for host in range(len(rows))]
    seen = [storage if storage >> host & 1 else 0 for host in range(len(rows))]
    return sum(1 << host for host in hosts if _survives(host, heard, seen, excluded))


def _mutual(rows: Sequence[int], host: int, hosts: Sequence[int]) -> int:
    """Drop whoever does not hear me: while a fault is handled one-way loss becomes two-way."""
    heard = sum(1 << other for other in hosts if rows[host] >> other & 1 and rows[other] >> host & 1)
    return heard | 1 << host if host in hosts else 0


def _survives(me: int, heard: Sequence[int], seen: Sequence[int], excluded: int) -> bool:
    mine, files = heard[me], seen[me]
    if not _consistent(me, heard, seen):
        merged = _merge(files, heard)
        heard, mine = merged, merged[me]
    if files and not files & ~mine:
        return True  # SR1a
    if files:
        return _with_the_largest(me, files, heard, seen)  # SR1b
    return all(  # SR2
        (mine >> host & 1 and not seen[host]) or (not mine >> host & 1 and excluded >> host & 1)
        for host in range(len(heard))
    )


def _consistent(me: int, heard: Sequence[int], seen: Sequence[int]) -> bool:
    """Tell whether everybody I am in touch with, on either channel, shows my own view."""
    touch = [host for host in range(len(heard)) if (heard[me] | seen[me]) >> host & 1]
    return all(heard[host] == heard[me] and seen[host] == seen[me] for host in touch)


def _merge(files: int, heard: Sequence[int]) -> list[int]:
    """Take out the least connected host until the rest of them all hear each other."""
    removed = 0
    rows = [row & files if files >> host & 1 else 0 for host, row in enumerate(heard)]
    while left := [host for host in range(len(rows)) if files & ~removed & 1 << host]:
        least = min(left, key=lambda host: (_score(rows[host] & ~removed), -host))
        if rows[least] & ~removed | removed == files:
            break
        removed |= 1 << least
    return [0 if removed >> host & 1 else row & ~removed for host, row in enumerate(rows)]


def _score(row: int) -> int:
    """Weights before size before the lowest index; all weights are 1."""
    size = row.bit_count()
    lowest = (row & -row).bit_length() - 1
    return 65536 * size + 256 * size + (64 - lowest)


def _with_the_largest(me: int, files: int, heard: Sequence[int], seen: Sequence[int]) -> bool:
    """Tell whether I am the host with the largest view, or it and I see each other on both channels."""
    among = [host for host in range(len(heard)) if files >> host & 1]
    best = max(among, key=lambda host: ((seen[host] & heard[host]).bit_count(), -host))
    both = seen[me] & heard[me] & 1 << best and seen[best] & heard[best] & 1 << me
    return me == best or bool(both)
