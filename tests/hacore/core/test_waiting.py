"""What a host says it waits for: what holds it up just now, and nothing else."""

from __future__ import annotations

from hacore.core.events import Join, Leave

T = 20


def test_who_waits_to_start_is_told_what_holds_it_up_and_nothing_else(pool_of):
    pool = pool_of(3)
    pool.boot(0), pool.boot(1)
    told = set()
    for _ in range(int(T / 2)):
        pool.beat()
        told.add(pool[0].waiting)
    assert "hosts that are missing: 2" in told
    assert not any("grants" in each for each in told), "nobody would start sooner without them"


def test_a_forced_start_waits_for_grants_of_a_boot_before_and_says_so(pool):
    pool[0].tell(Leave())
    pool.until(lambda: pool[1].view.liveset == 0b110, 10)
    for host in range(3):
        pool.crash(host)
    pool.boot(0).tell(Join())
    pool.run(2 * T)
    pool.boot(1)
    pool.run(6)
    pool[0].tell(Join(force=True))
    pool.run(3)
    assert pool[0].waiting == "grants of a boot before to run out: 1"
    pool.until(lambda: pool[1].view.liveset == 0b011, 2 * T)


def test_a_joiner_without_storage_says_what_it_lacks(pool_of):
    pool = pool_of(2)
    box = pool.boot(0)
    box.cycle()
    pool.run(1)
    box.storage = False
    pool.run(T / 2)
    assert box.waiting == "storage"
    box.storage = True
    for _ in range(int(T / 2) + 2):
        pool.now_ns += pool.timing.beat_ns
        box.cycle(written=False, copies=0)
    assert box.waiting.startswith("clean copies of the own slot")
