"""`xenha serve` on a pool of 64 hosts: a scrape, a plan, its memory."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import combinations
from pathlib import Path
from random import Random
from statistics import median

import httpx

from bench.pools import pool
from bench.scale import Scale
from bench.subjects.process import XENHA
from bench.table import Row, at_most
from hacore.clock import Deadline, Stopwatch
from planner.inventory.poolfile import dump_pool
from planner.model import Pool

SUBJECT = "xenha serve, 64 hosts, 3 500 VMs"
MIB = 1 << 20
START_SECONDS = 30.0


def measure(scale: Scale) -> list[Row]:
    """Return what a running service costs: the process is a real one, asked over HTTP."""
    served = pool(2, hosts=64, vms=3500, load=0.7)
    path = scale.folder / "pool-served.json"
    path.write_text(dump_pool(served), encoding="utf-8")
    with _service(scale, path) as (client, pid):
        scrapes = _times(scale, lambda: client.get("/metrics"), scale.count(50))
        body = client.get("/metrics", headers={"Accept-Encoding": "identity"})
        plans = _plan_times(scale, client, served)
        resident = resident_bytes(pid)
    return [
        at_most(SUBJECT, f"scrape, median of {len(scrapes)}", median(scrapes), 0.020, "ms", 1e3),
        at_most(SUBJECT, "size of a scrape", len(body.content), 1_000_000, "kB", 1e-3),
        at_most(SUBJECT, f"plan for 3 failed hosts, median of {len(plans)}", median(plans), 0.3, "ms", 1e3),
        at_most(SUBJECT, "resident memory after plans", resident, 300 * MIB, "MiB", 1 / MIB),
    ]


@contextmanager
def _service(scale: Scale, path: Path) -> Iterator[tuple[httpx.Client, int]]:
    """Run `xenha serve` on a free port until its first answer is there; end it with SIGTERM."""
    command = [str(XENHA), "serve", str(path), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            with httpx.Client(base_url=url, timeout=START_SECONDS) as client:
                _wait_until_ready(scale, client)
                yield client, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=START_SECONDS)


def _wait_until_ready(scale: Scale, client: httpx.Client) -> None:
    deadline = Deadline.after(scale.clock, START_SECONDS)
    while client.get("/-/ready").status_code != 200:
        assert not deadline.passed(), "the service did not become ready"


def _times(scale: Scale, ask: Callable[[], httpx.Response], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        watch = Stopwatch.start(scale.clock)
        answer = ask()
        times.append(watch.seconds())
        assert answer.status_code == 200, answer.text
    return times


def _plan_times(scale: Scale, client: httpx.Client, served: Pool) -> list[float]:
    """Ask for sets never asked before: plans are kept per set."""
    hosts = [host.uuid for host in served.hosts]
    sets = Random(3).sample(list(combinations(hosts, 3)), scale.count(30) + 1)
    times = [_times(scale, partial(_plan, client, failed), 1)[0] for failed in sets]
    return times[1:]


def _plan(client: httpx.Client, failed: tuple[str, ...]) -> httpx.Response:
    return client.get("/api/v1/plan", params=[("fail", host) for host in failed])


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process (proc(5), statm: second field, in pages)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
