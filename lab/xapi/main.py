"""The program `xenha lab xapi`: a simulated XAPI in the foreground until it is told to stop."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from lab.demo import demo_pool
from lab.xapi.server import RunningServer, serve
from planner.errors import InputError
from planner.inventory import poolfile
from planner.model import Pool

DEFAULT_PASSWORD = "xenha"


class LabInputError(InputError):
    """The lab cannot start with what it was given; the message says what was expected."""


def run(
    pool_path: str | Path | None = None,
    listen: str = "127.0.0.1:0",
    user: str = "root",
    password_file: str | Path | None = None,
) -> int:
    """Serve a pool file, or the built-in pool, until SIGTERM or SIGINT; return the exit code 0.

    The first line on standard output is the URL. Must run in the main thread. InputError for a bad pool file,
    password file or address.
    """
    pool = _pool(pool_path)
    password = _password(password_file)
    told_to_stop = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        told_to_stop.set()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with _serve(pool, listen, user, password) as server:
            sys.stdout.write(f"{server.url}\n")
            sys.stdout.flush()
            told_to_stop.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0


def _serve(pool: Pool, listen: str, user: str, password: str) -> RunningServer:
    try:
        return serve(pool, listen=listen, user=user, password=password)
    except (OSError, ValueError) as problem:
        raise LabInputError(f"--listen {listen}: {_why(problem)}") from problem


def _pool(path: str | Path | None) -> Pool:
    return poolfile.load_pool(path) if path else demo_pool()


def _password(path: str | Path | None) -> str:
    """Return the first line of the file, or the lab's default."""
    if path is None:
        return DEFAULT_PASSWORD
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise LabInputError(f"--password-file {path}: {_why(problem)}") from problem
    password = text.split("\n", 1)[0].rstrip("\r")
    if not password:
        raise LabInputError(f"--password-file {path}: expected a password in the first line")
    return password


def _why(problem: Exception) -> str:
    """Return the system's own words alone: number and path say nothing new."""
    return getattr(problem, "strerror", None) or str(problem)
