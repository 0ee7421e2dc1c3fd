"""Options that several commands share, and what they mean together."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.errors import InputError

if TYPE_CHECKING:
    from planner.inventory.source import Credentials

PASSWORD_VARIABLE = "XENHA_PASSWORD"
DEFAULT_LIMIT_SECONDS = 10.0


@dataclass
class Invocation:
    """What the command line asked for beside the command itself."""

    debug: bool = False


def _remember_debug(context: typer.Context, wanted: bool) -> bool:
    invocation = context.find_object(Invocation)
    if invocation and wanted:
        invocation.debug = True
    return wanted


Debug = Annotated[
    bool, typer.Option("--debug", callback=_remember_debug, is_eager=True, help="Show a traceback on errors.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, the contract for programs.")]
Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A pool file (pool.json), a pool's API (https://root@master.example) or demo:",
        show_default=False,
    ),
]
Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE",
        help="Pool files (pool.json), pools' APIs (https://root@master.example) or demo:",
        show_default=False,
    ),
]
Target = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=0, help="Host failures to tolerate; default: the pool's own.", show_default=False
    ),
]
Limit = Annotated[
    float,
    typer.Option(metavar="SECONDS", min=0, max=86_400, help="Time for an answer; after it, honest bounds."),
]
User = Annotated[
    str | None,
    typer.Option(
        "--user",
        metavar="NAME",
        help="Account for URLs that name none; default: root.",
        show_default=False,
    ),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        help=f"File with the API's password; default: {PASSWORD_VARIABLE}.",
        show_default=False,
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        metavar="FILE",
        help="Certificates (PEM) to trust beside the system's.",
        show_default=False,
    ),
]
Insecure = Annotated[bool, typer.Option("--insecure", help="Do not verify the API's TLS certificate.")]


class PasswordFileError(InputError):
    """The password file holds no password."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"--password-file {path}: {problem}")


def password_of(path: Path | None) -> str | None:
    """Return the password in a file (without a last line end), else that of the environment, else None.

    Errors: PasswordFileError.
    """
    if path is None:
        return os.environ.get(PASSWORD_VARIABLE)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "expected UTF-8 text"
        raise PasswordFileError(path, reason or "cannot be read") from error
    password = text.removesuffix("\n").removesuffix("\r")
    if not password or "\n" in password:
        raise PasswordFileError(path, "expected one line, the password")
    return password


@dataclass(frozen=True, slots=True)
class Account:
    """How a pool's API is reached."""

    user: User = None
    password_file: PasswordFile = None
    ca_file: CaFile = None
    insecure: Insecure = False

    def credentials(self) -> Credentials:
        """Return what the API is asked with. Errors: PasswordFileError."""
        from planner.inventory.source import Credentials

        return Credentials(
            user=self.user,
            password=password_of(self.password_file) or "",
            verify_tls=not self.insecure,
            ca_file=self.ca_file,
        )
