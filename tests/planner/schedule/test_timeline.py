"""When VMs start and serve: equal to what a clock shows that ticks through the rules second by second."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement, product
from random import Random

from planner.schedule.timeline import Boot, timeline


def ticked(boots: Sequence[Boot], slots: int) -> dict[str, tuple[int, int]]:
    """Return start and end of each boot (whole seconds), found by letting the seconds pass."""
    waiting = list(boots)
    running: list[tuple[int, Boot]] = []
    started: dict[str, tuple[int, Boot]] = {}
    now = 0
    while waiting:
        while _one_starts(now, waiting, running, started, slots):
            pass
        now += 1
    return {vm: (at, at + int(boot.boot_seconds)) for vm, (at, boot) in started.items()}


def _one_starts(
    now: int,
    waiting: list[Boot],
    running: list[tuple[int, Boot]],
    started: dict[str, tuple[int, Boot]],
    slots: int,
) -> bool:
    """Start the VM whose turn it is at this second, if any."""
    running[:] = [(at, boot) for at, boot in running if at + boot.boot_seconds > now]
    turn = min((boot.wave for boot in waiting), default=0)
    calls = [(at, boot) for at, boot in started.values() if boot.wave < turn]
    if any(at + boot.start_delay_seconds > now for at, boot in calls):
        return False
    longest_first = sorted(waiting, key=lambda b: (-max(b.boot_seconds, b.start_delay_seconds), b.vm))
    for boot in longest_first:
        busy = sum(other.host == boot.host for _, other in running)
        if boot.wave == turn and busy < slots:
            waiting.remove(boot)
            running.append((now, boot))
            started[boot.vm] = (now, boot)
            return True
    return False


def said(boots: Sequence[Boot], slots: int) -> dict[str, tuple[float, float]]:
    return {start.boot.vm: (start.starts_seconds, start.up_seconds) for start in timeline(boots, slots)}


def test_small_worlds_equal_the_ticking_clock() -> None:
    kinds = list(product("ab", (1, 2, 3), (0, 1, 3), (0, 2)))
    for slots, count in product((1, 2), (1, 2, 3)):
        for chosen in combinations_with_replacement(kinds, count):
            boots = [Boot(f"v{i}", *kind) for i, kind in enumerate(chosen)]
            assert said(boots, slots) == ticked(boots, slots), (slots, chosen)


def drawn(rng: Random) -> list[Boot]:
    return [
        Boot(f"v{i}", rng.choice("abc"), rng.randint(1, 4), rng.randint(0, 9), rng.choice((0, 0, 1, 7)))
        for i in range(rng.randint(0, 14))
    ]


def test_drawn_worlds_equal_the_ticking_clock() -> None:
    for seed in range(300):
        rng = Random(seed)
        boots, slots = drawn(rng), rng.randint(1, 4)
        assert said(boots, slots) == ticked(boots, slots), seed


def test_more_slots_delay_nobody() -> None:
    for seed in range(200):
        boots = drawn(Random(seed))
        few, many = said(boots, 1), said(boots, 2)
        assert all(many[vm] <= few[vm] for vm in few), seed


def test_a_start_delay_holds_back_the_next_order_and_not_its_own_vm() -> None:
    dhcp, client = Boot("dhcp", "a", 1, 30, 60), Boot("client", "b", 2, 20, 0)
    assert said([client, dhcp], 4) == {"dhcp": (0, 30), "client": (60, 80)}


def test_the_next_order_does_not_wait_for_guests_to_boot() -> None:
    early, late = Boot("early", "a", 1, 300, 0), Boot("late", "a", 2, 20, 0)
    assert said([early, late], 2) == {"early": (0, 300), "late": (0, 20)}
    assert said([early, late], 1) == {"early": (0, 300), "late": (300, 320)}
