"""A cluster in a box: `python -m lab.cluster run`, `… drill NAME`, `… soak`, `… list`. Needs root.

make cluster                 three daemons in three namespaces, and the page that shows their channels
make cluster DRILL=crash     one fault, told as it happens, and whether the guarantees held
python -m lab.cluster soak   one fault after the other, for as long as wanted
"""

from __future__ import annotations

import argparse
import math
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from hacore.clock import Clock, SystemClock
from lab.cluster.cluster import Cluster
from lab.cluster.console import HELP, Console
from lab.cluster.daemonfile import Settings
from lab.cluster.drills import DRILLS
from lab.cluster.judge import detection_seconds
from lab.cluster.making import ClusterError, cluster
from lab.cluster.narrate import Narrator
from lab.cluster.needs import missing, refusal, search_path
from lab.cluster.nets import NetworkError
from lab.cluster.perform import Report, perform
from lab.cluster.soak import round_text, soak, soaked_text

LOOK_SECONDS = 0.2
FEWEST, MOST = 1, 16
SHORTEST_SECONDS = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    chosen = _parser().parse_args(arguments)
    if chosen.command == "list":
        _say(*(f"{name:15} {drill.about}" for name, drill in DRILLS.items()))
        return 0
    if line := refusal(missing()):
        sys.stderr.write(f"{line}\n")
        return 2
    os.environ["PATH"] = search_path(os.environ)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return int(chosen.does(chosen))
    except (ClusterError, NetworkError) as error:
        sys.stderr.write(f"lab: {error}\n")
        return 3
    except KeyboardInterrupt:
        _say("", "everything is taken away")
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m lab.cluster",
        description="Real daemons in network namespaces over one shared disk, and faults. Needs root.",
        epilog=f"words for the console of `run`:\n{HELP}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="form a cluster, tell what happens, obey words typed (see below)")
    run.add_argument("--hosts", type=_hosts(FEWEST), default=3, metavar="N", help="3")
    run.add_argument("--networks", type=int, default=1, choices=(1, 2), metavar="N")
    run.add_argument("--isolation", default="evidence", choices=("evidence", "fence", "hold"))
    run.add_argument("--quorum", default="disk", choices=("disk", "majority"))
    run.add_argument("--listen", default="127.0.0.1:9877", metavar="HOST:PORT", help="of the page")
    run.add_argument("--no-page", action="store_true", help="without the page")
    run.set_defaults(does=_run)
    drill = commands.add_parser("drill", help="break a cluster in one way and judge what comes of it")
    drill.add_argument("name", choices=DRILLS, metavar="NAME", help=f"of: {', '.join(DRILLS)}")
    drill.set_defaults(does=_drill)
    for each in (run, drill):
        each.add_argument(
            "--timeout",
            type=_from(SHORTEST_SECONDS),
            metavar="SECONDS",
            help=f"T; from {SHORTEST_SECONDS:g}, default 3",
        )
    soak = commands.add_parser("soak", help="strike a cluster again and again, and judge every stroke")
    soak.add_argument("--minutes", type=_from(0.0), default=15.0, metavar="N", help="how long; 15")
    soak.add_argument("--seed", type=int, default=1, metavar="N", help="which strokes, of which hosts; 1")
    soak.add_argument("--hosts", type=_hosts(3), default=5, metavar="N", help="5")
    soak.add_argument("--timeout", type=_from(SHORTEST_SECONDS), default=6.0, metavar="SECONDS", help="T; 6")
    soak.set_defaults(does=_soak)
    commands.add_parser("list", help="name the drills")
    return parser


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is a --help away."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"lab: {message}; see {self.prog} --help\n")


def _from(least: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        with suppress(ValueError):
            if least <= (found := float(text)) < math.inf:
                return found
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number from {least:g} on")

    return number


def _hosts(fewest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) < 3 and fewest <= int(text) <= MOST:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r}: expected {fewest} to {MOST} hosts")

    return number


# run


def _run(chosen: argparse.Namespace) -> int:
    clock = SystemClock()
    settings = Settings(
        hosts=chosen.hosts,
        networks=chosen.networks,
        timeout_seconds=chosen.timeout or 3.0,
        isolation=chosen.isolation,
        quorum=chosen.quorum,
    )
    with cluster(settings) as made:
        made.start()
        narrator = _narrator(made, clock)
        if chosen.no_page:
            _attend(made, narrator)
            return 0
        with _page(made, chosen.listen) as page:
            _attend(made, narrator, page)
    return 0


def _attend(made: Cluster, narrator: Narrator, page: subprocess.Popen[bytes] | None = None) -> None:
    """Tell news and obey what is typed, until Ctrl-C; the end of what is typed changes nothing."""
    _say("type help for what can be done; Ctrl-C ends everything")
    console, typed, formed = Console(made), Typed(sys.stdin.fileno()), False
    while True:
        for line in typed.lines(LOOK_SECONDS):
            _say(*filter(None, [console.obey(line)]))
        _say(*narrator.news())
        if not formed and made.lives(*range(len(made.hosts))) and len(made.runs()) == len(made.hosts):
            formed = True
            _say("", made.table(), "")
        if page is not None and page.poll() is not None:
            _say("the page is gone, and why is above; the cluster goes on without it", "")
            page = None


class Typed:
    """What a person types or pastes, line by line; several may come at once."""

    def __init__(self, source: int) -> None:
        self._inputs = [source]
        self._rest = b""

    def lines(self, seconds: float) -> list[str]:
        """Wait for whole lines, but not for longer; after the end of the input there are none."""
        ready = select.select(self._inputs, (), (), seconds)[0]
        if not ready:
            return []
        data = os.read(self._inputs[0], 4096)
        if not data:
            self._inputs = []
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.decode(errors="replace") for line in lines]


@contextmanager
def _page(made: Cluster, listen: str) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the page that shows the daemons' channels."""
    doors = [word for host in made.hosts for word in ("--daemon", str(host.socket))]
    command = (str(Path(sys.executable).with_name("xenha")), "serve", "demo:", "--listen", listen, *doors)
    with subprocess.Popen(command) as page:
        try:
            yield page
        finally:
            page.terminate()


# drill


def _drill(chosen: argparse.Namespace) -> int:
    drill, clock = DRILLS[chosen.name], SystemClock()
    _say(f"{chosen.name}: {drill.about}")
    with ExitStack() as stack:
        report = perform(
            chosen.name,
            chosen.timeout,
            lambda made: stack.enter_context(_telling(_narrator(made, clock))),
            stack.close,
        )
    _say(*_verdict(report))
    return int(bool(report.wrong))


def _soak(chosen: argparse.Namespace) -> int:
    settings = Settings(hosts=chosen.hosts, timeout_seconds=chosen.timeout)
    found = soak(settings, chosen.minutes * 60, chosen.seed, lambda each: _say(round_text(each)))
    _say(*soaked_text(found))
    return int(bool(found.wrong))


@contextmanager
def _telling(narrator: Narrator) -> Iterator[None]:
    """Tell news as they come, beside whatever else goes on."""
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(LOOK_SECONDS):
            _say(*narrator.news())

    teller = threading.Thread(target=tell)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
        _say(*narrator.news())


def _verdict(report: Report) -> Iterator[str]:
    for boot in report.story.boots:
        seconds = detection_seconds(report.story, boot) if boot.why == "crash" else None
        if seconds is not None:
            yield f"host-{boot.host + 1}: called dead {seconds:.2f} s after its power was cut"
    if report.disturbed:
        yield f"the computer was busy: the lab had to wait for it up to {report.latest_seconds:.2f} s"
    yield from report.wrong
    verdict = "went wrong" if report.wrong else "as it should be: G1 to G4 held"
    yield f"{report.name}: {verdict} ({report.seconds:.0f} s)"


def _narrator(made: Cluster, clock: Clock) -> Narrator:
    journals = {host.index: host.journal for host in made.hosts}
    return Narrator(made.history, journals, clock.monotonic_ns())


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
