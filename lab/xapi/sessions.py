"""Sessions: login, logout, expiry.

A session lives until logout or until somebody expires it; xapi's own time-out is a day and plays no part in
a lab. Whoever waits in event.from is woken when sessions end.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from lab.xapi.classes import Time
from lab.xapi.database import Database
from lab.xapi.errors import XapiError
from lab.xapi.methods import Caller, Registry

registry = Registry()


@dataclass(frozen=True, slots=True)
class Account:
    """The one user who may log in."""

    user: str
    password: str

    def admits(self, user: str, password: str) -> bool:
        """Tell whether user and password are right."""
        return user == self.user and hmac.compare_digest(password.encode(), self.password.encode())


def assert_valid(db: Database, ref: object) -> str:
    """Return the reference of a living session; SESSION_INVALID otherwise."""
    if not isinstance(ref, str) or not db.has("session", ref):
        raise XapiError("SESSION_INVALID", ref)
    return ref


def end(db: Database, refs: Iterable[str]) -> None:
    """End sessions; calls that wait in their name fail with SESSION_INVALID."""
    for ref in refs:
        db.delete("session", ref)


@registry.call(
    "session.login_with_password",
    "uname:string pwd:string version:string? originator:string?",
    needs_session=False,
)
def login_with_password(
    caller: Caller, user: str, password: str, version: str = "1.0", originator: str = ""
) -> str:
    """Open a session, or refuse with SESSION_AUTHENTICATION_FAILED."""
    lab = caller.lab
    if not lab.account.admits(user, password):
        raise XapiError("SESSION_AUTHENTICATION_FAILED", user, "Authentication failure")
    now = Time(lab.now())
    return caller.db.create(
        "session",
        uuid=str(uuid.uuid4()),
        this_host=lab.master(),
        auth_user_name=user,
        originator=originator,
        last_active=now,
        validation_time=now,
    )


@registry.call("session.logout")
def logout(caller: Caller) -> None:
    """End the caller's session."""
    end(caller.db, [caller.session])
