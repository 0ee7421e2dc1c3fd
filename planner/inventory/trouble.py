"""What went wrong between us and an API, in one line for an operator."""

from __future__ import annotations

import http.client
import socket
import ssl
import xml.parsers.expat
import xmlrpc.client
from collections.abc import Sequence

LONGEST = 300

_NOT_XAPI = (
    xml.parsers.expat.ExpatError,
    xmlrpc.client.ResponseError,
    http.client.BadStatusLine,
    UnicodeDecodeError,
)
_REFUSALS = {
    "SESSION_AUTHENTICATION_FAILED": "wrong user name or password",
    "HOST_STILL_BOOTING": "the host is still booting",
    "RBAC_PERMISSION_DENIED": "the user may not do this",
    "HOST_UNKNOWN_TO_MASTER": "the host is unknown to its master",
}


def trouble(error: Exception, secret: str) -> str:
    """Return what an exception of socket, TLS, HTTP or XML-RPC means; `secret` must not show up in it."""
    return one_line(_without(secret, _meaning(error)))


def _meaning(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"TLS certificate not trusted: {error.verify_message}; give its CA, or --insecure"
        case ssl.SSLError() if error.reason == "WRONG_VERSION_NUMBER":
            return "no TLS spoken there; is it http://?"
        case ssl.SSLError():
            return f"TLS fails: {error.reason or error}"
        case socket.gaierror():
            return "host name does not resolve"
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "connection refused"
        case http.client.RemoteDisconnected() | ConnectionResetError() | BrokenPipeError():
            return "connection closed by the other side"
        case xmlrpc.client.ProtocolError():
            return f"HTTP {error.errcode} {error.errmsg}"
        case xmlrpc.client.Fault():
            return f"XML-RPC fault {error.faultCode}: {error.faultString}"
        case _ if isinstance(error, _NOT_XAPI):
            return "the answer is not XML-RPC; is this a XenServer or XCP-ng host?"
        case OSError():
            return error.strerror or str(error) or type(error).__name__
        case _:
            return f"the answer makes no sense ({type(error).__name__}: {error})"


def refusal(details: Sequence[object], secret: str) -> str:
    """Return what the error of a XenAPI call means; `details`: code and parameters, without `secret`."""
    code = str(details[0]) if details else "no reason given"
    if code in _REFUSALS:
        return _REFUSALS[code]
    return one_line(_without(secret, "refused with " + " ".join(str(part) for part in details)))


def _without(secret: str, text: str) -> str:
    return text.replace(secret, "***") if secret else text


def one_line(text: str) -> str:
    """Return the text without line breaks and not too long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
