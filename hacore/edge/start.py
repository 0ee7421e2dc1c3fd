"""From a configuration to a running daemon, from its end to an exit code. Decides nothing of membership."""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from hacore.clock import NS_PER_SECOND, Clock, SystemClock
from hacore.config import Config
from hacore.core.events import Disarm, Join
from hacore.core.machine import Machine
from hacore.core.numbering import UNFINISHED, Finished, nothing_out
from hacore.core.setup import Isolation, Quorum, Setup
from hacore.edge.channels import Channels
from hacore.edge.checks import expect_all
from hacore.edge.control import listen, lock_of
from hacore.edge.daemon import Daemon
from hacore.edge.evidence import EvidenceWatch
from hacore.edge.handover import NONE, Inheritance, be_at_ease, hand_over, hurry, ping
from hacore.edge.hands import Hands
from hacore.edge.journal import Journal, remembered, seconds_of
from hacore.edge.numbering import note_finished, numbered_from, take_finished
from hacore.edge.parts import Memory, Parts
from hacore.edge.pump import NativePump, PumpSetup
from hacore.edge.slotdevice import StatefileOpener, header_of
from hacore.edge.transport import Networks
from hacore.edge.watchdog import watchdog_of
from hacore.errors import Refused, StatefileError, XenhadError
from hacore.kernel.native import SlotDevice, crc32c
from hacore.statefile import SLOTS_AT

FLUSH_SECONDS = 1.0
FIRST_TRY_SECONDS = 0.1
"""How long a start waits for the statefile; a disk in good health needs a few milliseconds."""
WISHES = (signal.SIGTERM, signal.SIGINT)
"""Signals that tell a daemon to leave."""
EXIT_DONE, EXIT_FENCED, EXIT_BUG = 0, 1, 70
Say = Callable[[str], None]
"""Tells whoever started the daemon at once what may keep it from working; the journal is for later."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What only one daemon can hold, taken or inherited."""

    lock: int
    listener: socket.socket
    inheritance: Inheritance | None


def run(config: Config, left: Inheritance | None, say: Say) -> int:
    """Run the daemon until it has left or must not go on; return the exit code. Raises XenhadError."""
    clock = SystemClock()
    if left is not None:
        ping(left, clock)
    taken = take(config, left)
    try:
        with sole(config, left):
            return run_with(config, taken, clock, say)
    finally:
        give_back(config, taken)


@contextmanager
def sole(config: Config, left: Inheritance | None) -> Iterator[None]:
    """Be the only daemon of this host and statefile on this machine, whatever its other files are called.

    The name lives in the kernel and dies with us; a successor, armed already, must not fail for it.
    Raises Refused.
    """
    volume = crc32c(os.path.realpath(config.statefile).encode())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as name:
        try:
            name.bind(f"\0xenhad/{config.generation}/{config.me.uuid}/{volume:08x}")
        except OSError:
            if left is None:
                problem = f"another daemon on this machine writes the slot of {config.me.name}"
                raise Refused(f"{config.statefile}: {problem}") from None
        yield


def run_with(config: Config, taken: Taken, clock: Clock, say: Say) -> int:
    """Run the daemon with what only one can hold; return the exit code."""
    journal = Journal(config.journal, clock)
    try:
        with refusal_noted(journal):
            daemon = assembled(config, clock, journal, taken, say)
        return run_until_the_end(daemon, taken)
    finally:
        journal.close(FLUSH_SECONDS)


@contextmanager
def refusal_noted(journal: Journal) -> Iterator[None]:
    """Have the journal say, too, why a daemon did not start."""
    try:
        yield
    except XenhadError as error:
        journal.note("stop", reason=str(error))
        raise


def run_until_the_end(daemon: Daemon, taken: Taken) -> int:
    """Run what was put together; return the exit code."""
    hands = daemon.parts.hands
    try:
        daemon.serve(taken.listener)
        signals = wake_on_signals(daemon)
        gc.collect()
        gc.freeze()  # what lives from the start is never looked at again
        daemon.run()
        if daemon.handing_over:
            keep_signals(signals)
            leave_to_successor(daemon, taken)
    except XenhadError as error:
        hands.stopped = str(error)
        raise
    finally:
        daemon.parts.journal.note("stop", reason=hands.stopped or "an error")
        finished = finished_now(daemon)
        daemon.close()
        note_finished(taken.lock, daemon.parts.config, finished)
    return EXIT_BUG if daemon.broken else EXIT_FENCED if hands.fenced else EXIT_DONE


def give_back(config: Config, taken: Taken) -> None:
    """Leave no control socket behind; the lock goes last."""
    taken.listener.close()
    with suppress(OSError):
        os.unlink(config.control_socket)
    os.close(taken.lock)


def take(config: Config, left: Inheritance | None) -> Taken:
    """Take the lock and the control socket, or what a predecessor held."""
    if left is not None:
        return Taken(left.lock, socket.socket(fileno=left.listener), left)
    expect_all(config)
    lock = lock_of(config.control_socket)
    try:
        return Taken(lock, listen(config.control_socket), None)
    except XenhadError:
        os.close(lock)
        raise


def setup_of(config: Config, arbiters: int) -> Setup:
    """Return what the machine is told."""
    return Setup(
        hosts=len(config.hosts),
        me=config.host,
        incarnation=config.incarnation,
        timing=config.timing,
        isolation=Isolation(config.isolation),
        quorum=Quorum(config.quorum),
        weight=config.me.weight,
        arbiters=arbiters,
        fencing=config.fencing,
    )


def first_try(opener: StatefileOpener, path: str, say: Say, *, armed: bool) -> SlotDevice | None:
    """Return the statefile if it can be had at once. Raises StatefileError if it is none of ours.

    Whoever is armed already must go on pinging, whatever is wrong with the disk, and wait for no terminal.
    """
    found = opener.wait(FIRST_TRY_SECONDS)
    if isinstance(found, SlotDevice) or armed:
        return found if isinstance(found, SlotDevice) else None
    if isinstance(found, StatefileError):
        raise found
    say(f"waits for the statefile: {found or f'{path}: it has not answered yet'}")
    return None


def pump_setup_of(
    config: Config, device: SlotDevice | None, taken: Taken, finished: Finished, floor_ns: int
) -> PumpSetup:
    """Return what the pump is told; sockets come with the first beat, a statefile that is late later."""
    left = taken.inheritance
    return PumpSetup(
        pool=header_of(config).identity(config.key),
        me=config.host,
        incarnation=config.incarnation,
        timing=config.timing,
        slots_at_bytes=SLOTS_AT,
        device=None if device is None else device.fileno(),
        sockets=(None,) * len(config.networks),
        since_ns=left.since_ns if left else 0,
        finished=finished,
        wall_ns=floor_ns,
    )


def assembled(config: Config, clock: Clock, journal: Journal, taken: Taken, say: Say) -> Daemon:
    """Return a daemon whose pump runs; what a predecessor armed is pinged again from here on."""
    left = taken.inheritance
    selector = selectors.DefaultSelector()
    opener = StatefileOpener(config, selector)
    device = first_try(opener, config.statefile, say, armed=left is not None)
    evidence = EvidenceWatch(config, selector, clock.monotonic_ns)
    floor_ns = numbered_from(taken.lock, int(clock.wall_seconds() * NS_PER_SECOND))
    finished = finished_before(taken, config)
    pump = NativePump(pump_setup_of(config, device, taken, finished, floor_ns))
    watchdog = watchdog_of(config.watchdog, config.timing.watchdog_ns)
    hands = Hands(pump, watchdog, journal, config.timing, config.name_of, left.since_ns if left else 0)
    warnings = pump.start()
    if left is not None:
        if left.watchdog != NONE:
            hands.adopt(left.watchdog)
        be_at_ease(left)
    parts = Parts(
        config=config,
        clock=clock,
        selector=selector,
        journal=journal,
        machine=Machine(setup_of(config, len(evidence.arbiters))),
        pump=pump,
        hands=hands,
        networks=Networks(config),
        evidence=evidence,
        channels=Channels(len(config.hosts), len(config.networks), config.timing.beat_ns),
        watchdog=watchdog,
        opener=opener,
        device=device,
        memory=memory_of(config.journal),  # no sooner: a log that hangs must not keep a pump from its pings
        warnings=warnings,
        bug_ns=left.bug_ns if left else 0,
        finished=finished,
    )
    timeout = f"{config.timing.timeout_ns / NS_PER_SECOND:g}"
    journal.note("start", host=config.me.name, pid=os.getpid(), timeout=timeout, restarted=left is not None)
    for warning in warnings:
        journal.note("warning", text=warning)
    daemon = Daemon(parts)
    if left is not None and left.disarmed:
        daemon.tell(Disarm())
    daemon.tell(Join())
    return daemon


def wake_on_signals(daemon: Daemon) -> int:
    """Make SIGTERM and SIGINT reach the loop as what they are: a wish to leave; return where they come."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in WISHES:
        signal.signal(number, lambda _number, _frame: None)

    def received(_events: int) -> None:
        for number in os.read(reader, 64):
            daemon.on_signal(number)

    daemon.parts.selector.register(reader, selectors.EVENT_READ, received)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WISHES)
    return reader


def keep_signals(reader: int) -> None:
    """Keep for the successor what comes from now on, and what came and nobody has looked at.

    A signal ends a program that has not said what it wants done: an armed host would be rebooted for it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, WISHES)
    with suppress(BlockingIOError):
        for number in os.read(reader, 64):
            signal.raise_signal(number)


def leave_to_successor(daemon: Daemon, taken: Taken) -> None:
    """Become the next program image. Where that cannot be, an armed host is left to its watchdog."""
    parts = daemon.parts
    hands = parts.hands
    hurried = hurry()
    armed = parts.watchdog.descriptor if hands.armed else NONE
    since_ns = parts.pump.meters().dog.since_ns
    disarmed = parts.config.fencing and not parts.machine.view().armed and daemon.is_member
    parts.journal.note("restart", armed=hands.armed)
    daemon.stop_serving()
    finished = finished_now(daemon)
    inheritance = Inheritance(
        pid=os.getpid(),
        watchdog=armed,
        lock=taken.lock,
        listener=taken.listener.fileno(),
        since_ns=since_ns,
        ping_until_ns=parts.config.timing.ping_until_ns,
        disarmed=disarmed,
        bug_ns=daemon.bug_ns,
        finished=finished.sequence,
        hurried=hurried,
        failed_ns=finished.failed_ns,
        returned_ns=finished.returned_ns,
    )
    ping(inheritance, parts.clock)
    parts.journal.flush(parts.config.timing.watchdog_ns / NS_PER_SECOND / 4)
    hand_over(inheritance, parts.clock)


def finished_before(taken: Taken, config: Config) -> Finished:
    """Return what the daemon before says of its writes; whoever handed over says it in its inheritance."""
    noted = take_finished(taken.lock, config)
    return taken.inheritance.writes if taken.inheritance else noted


def finished_now(daemon: Daemon) -> Finished:
    """Stop the pump; return what its writes leave: if there were none, what those before them left."""
    parts = daemon.parts
    ended = parts.pump.stop()
    if not parts.hands.version:
        return parts.finished
    daemon.cycle = parts.pump.cycle() or daemon.cycle
    if nothing_out(daemon.cycle, ended=ended):
        return parts.pump.left()
    return UNFINISHED


def memory_of(journal: str) -> Memory:
    """Return what the journal remembers of this host's fences."""
    by_cause: dict[str, int] = {}
    cause, at_seconds = "none", None
    for line in remembered(journal, "fence") if journal else ():
        cause, at_seconds = line.get("cause", "none"), seconds_of(line.get("time", ""))
        by_cause[cause] = by_cause.get(cause, 0) + 1
    return Memory(last_cause=cause, last_at_seconds=at_seconds, by_cause=by_cause)
