"""What can be typed: commands, their arguments and examples."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import NoReturn

from hacore import VERSION
from hacore.config import DEFAULT_PATH, DEFAULT_SOCKET, WEIGHT_MAX


@dataclass(frozen=True, slots=True)
class Option:
    """One argument of a command, as argparse takes it."""

    names: tuple[str, ...]
    settings: dict[str, object]


def option(*names: str, **settings: object) -> Option:
    """Return an argument."""
    return Option(names, settings)


def weight(text: str) -> int:
    """Return a weight. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and int(text) <= WEIGHT_MAX):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of 0 to {WEIGHT_MAX}")
    return int(text)


def seconds(text: str) -> float:
    """Return a time span. Raises ArgumentTypeError."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of seconds, 0 or more")
    return found


CONFIG = option("-c", "--config", metavar="FILE", default=DEFAULT_PATH, help=f"configuration; {DEFAULT_PATH}")
SOCKET = option(
    "-s", "--socket", metavar="PATH", help="control socket; that of the configuration, else " + DEFAULT_SOCKET
)
LAB = option("--lab", action="store_true", help="allow intervals and watchdogs that only a lab may have")
NO_FENCING = option(
    "--no-fencing", action="store_true", help="never reboot this host; then nobody may restart its VMs"
)
WAIT = option("--wait", metavar="SECONDS", type=seconds, default=150.0, help="how long to wait for it; 150")
FORCE = "--force"


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `module:function` of hacore.commands, what it does, how it is used."""

    name: str
    function: str
    summary: str
    examples: str
    options: tuple[Option, ...] = ()
    more: str = ""


COMMANDS = (
    Command(
        "init",
        "volumes:init",
        "format the statefile, and the metadata volume if there is one",
        "xenhad init\nxenhad init --config pool.toml",
        (
            CONFIG,
            LAB,
            option(FORCE, action="store_true", help="even if there is a statefile, or an unreadable one"),
        ),
        "Looks first for two beats whether any daemon writes there; one that is in use is never formatted.",
    ),
    Command(
        "run",
        "running:run",
        "run the daemon in the foreground",
        "xenhad run\nxenhad run --config host1.toml --lab --no-fencing",
        (CONFIG, LAB, NO_FENCING),
        "SIGTERM and SIGINT leave the liveset cleanly, disarm, and end the daemon. While that needs others\n"
        "(or storage) the daemon stays and says for what it waits; a second signal changes nothing.\n"
        "A daemon that is killed leaves the watchdog armed: the host reboots unless a new one is quick.",
    ),
    Command(
        "status",
        "status:status",
        "show what the daemon sees",
        "xenhad status\nxenhad status --watch\nxenhad status --json | jq .liveset",
        (
            CONFIG,
            SOCKET,
            option("--json", action="store_true", help="the snapshot itself, one line"),
            option("--watch", action="store_true", help="again every second, until interrupted"),
        ),
        "Exit code 1 while this host is no member of the liveset.",
    ),
    Command(
        "dump",
        "volumes:dump",
        "decode a statefile offline: every slot, its age, and why one is not believed",
        "xenhad dump\nxenhad dump --watch 10\nxenhad dump --copies copy-of-the-statefile.img\n"
        "xenhad dump --key-file key copy.img",
        (
            CONFIG,
            option(
                "file", nargs="?", metavar="FILE", help="a volume or a copy of one; the configured statefile"
            ),
            option("--key-file", metavar="FILE", help="the pool's key; without one, MACs are not checked"),
            option("--copies", action="store_true", help="every copy of every slot"),
            option("--watch", metavar="SECONDS", type=seconds, help="look that long who writes, and when"),
            option("--json", action="store_true", help="one object"),
        ),
        "A slot bears no time: how long ago it was written is learnt by watching the volume. A single look\n"
        "shows since when its daemon has numbered it, by that host's own clock: it was written after that.\n"
        "Exit code 1 if nothing can be believed, or if it is the statefile of another pool or generation.",
    ),
    Command("arm", "control:arm", "fence this host again if need be", "xenhad arm", (CONFIG, SOCKET)),
    Command(
        "disarm",
        "control:disarm",
        "stay a member, but without fencing",
        "xenhad disarm",
        (CONFIG, SOCKET, WAIT),
        "Should this host fall silent, nobody will restart its VMs: it cannot be known to be dead.",
    ),
    Command(
        "leave",
        "control:leave",
        "leave the liveset cleanly, disarm, end the daemon",
        "xenhad leave\nxenhad leave --wait 30",
        (CONFIG, SOCKET, WAIT),
        "To replace a daemon use restart: the host stays a member. Leaving and coming back costs no copy of\n"
        "its slot; a daemon that is killed costs two for an hour (copies_left in docs/journal.md).",
    ),
    Command(
        "join",
        "control:join",
        "become a member",
        "xenhad join\nxenhad join --force",
        (
            CONFIG,
            SOCKET,
            WAIT,
            option(FORCE, action="store_true", help="form a liveset without the hosts that are missing"),
        ),
        "--force: hosts that are missing may be alive and cut off. Only for who knows that they are down.",
    ),
    Command(
        "set-weight",
        "control:set_weight",
        "say how much this host counts where groups are equally large",
        "xenhad set-weight 10",
        (CONFIG, SOCKET, option("weight", type=weight, help=f"0 to {WEIGHT_MAX}")),
    ),
    Command(
        "propose-leader",
        "control:propose_leader",
        "make a member the leader",
        "xenhad propose-leader host2",
        (CONFIG, SOCKET, WAIT, option("host", help="UUID or name")),
    ),
    Command(
        "confirm-dead",
        "control:confirm_dead",
        "tell that a host without fencing, left out, certainly runs nothing",
        "xenhad confirm-dead host2 --force",
        (
            CONFIG,
            SOCKET,
            option("host", help="UUID or name"),
            option(FORCE, action="store_true", help="required: you have seen that it is off"),
        ),
        "A host that was disarmed and falls silent may still run its VMs: nobody restarts them until\n"
        "somebody has looked. If that was wrong, two copies of a VM write to one disk and destroy it: see\n"
        "with your own eyes, or through its management board, that the host has no power.\n"
        "Refused for members, and for hosts that were armed: those are known to be dead by themselves.\n"
        "Every member has to be told: run it on each, first on the leader, which restarts VMs.\n"
        "A host that was declared dead has to reboot before it is admitted again.",
    ),
    Command(
        "emergency-disable",
        "control:emergency_disable",
        "disarm this host at once and leave without asking anybody",
        "xenhad emergency-disable --force",
        (CONFIG, SOCKET, option(FORCE, action="store_true", help="required: VMs are no longer protected")),
        "For one host that nobody else can reach, before its master role is settled by hand. A daemon that\n"
        "does not answer cannot disarm: the watchdog is its own, and the host reboots within the time-out.",
    ),
    Command(
        "check-config",
        "running:check_config",
        "check a configuration and show the intervals that follow from it",
        "xenhad check-config\nxenhad check-config pool.toml",
        (
            CONFIG,
            LAB,
            NO_FENCING,
            option("file", nargs="?", metavar="FILE", help="the same as --config FILE"),
        ),
    ),
    Command(
        "restart",
        "control:restart",
        "put a new program image in the daemon's place, armed all the time",
        "xenhad restart",
        (
            CONFIG,
            SOCKET,
            LAB,
            NO_FENCING,
            option("--wait", metavar="SECONDS", type=seconds, default=30.0, help="30"),
        ),
        "Checks the configuration with the new program first. No reboot, no leaving; for upgrades.",
    ),
    Command(
        "keygen",
        "volumes:keygen",
        "make the pool's key: one file, the same on every host",
        "xenhad keygen /etc/xenha/key",
        (option("file", metavar="FILE", help="must not exist yet"),),
    ),
)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what was typed; `run` is the function to call. Ends the process with 2 for wrong usage."""
    parser = _Parser(
        prog="xenhad",
        allow_abbrev=False,
        description="Heartbeats, liveset and fencing for one host of a pool.",
        epilog="xenhad COMMAND --help shows examples. Exit codes: 0 done, 1 no, 2 bad input, 3 unreachable.",
    )
    parser.add_argument("--version", action="version", version=f"xenhad {VERSION}")
    parser.add_argument("--debug", action="store_true", help="show where an internal error happened")
    parser.set_defaults(debug=False)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        _add(commands, command)
    return parser.parse_args(arguments)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is a --help away."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _add(commands: argparse._SubParsersAction[_Parser], command: Command) -> None:
    examples = "\n".join(f"  {line}" for line in command.examples.splitlines())
    about = f"{command.summary[0].upper()}{command.summary[1:]}."
    added = commands.add_parser(
        command.name,
        allow_abbrev=False,
        help=command.summary,
        description=f"{about}\n\n{command.more}" if command.more else about,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for each in command.options:
        added.add_argument(*each.names, **each.settings)  # type: ignore[arg-type]
    added.set_defaults(run=_function(command.function))


def _function(name: str) -> Callable[[argparse.Namespace], int]:
    """Return a function that imports the command when it is called."""
    module, function = name.split(":")

    def call(chosen: argparse.Namespace) -> int:
        found: int = getattr(import_module(f"hacore.commands.{module}"), function)(chosen)
        return found

    return call
