"""HTTP(S) for XML-RPC with time-outs, and a way to break off a call that waits.

The vendor's client waits for ever; `event.from` is meant to wait, everything else is not. Knows nothing of
XenAPI.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import xmlrpc.client
from collections.abc import Set
from contextlib import suppress
from pathlib import Path
from typing import Any

from planner.inventory.xmlrpc_reader import XmlRpcReader

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0


class TimedTransport(xmlrpc.client.Transport):
    """Keeps one connection; `tls` None speaks plain HTTP. One thread calls, any may `abort`.

    `kept`: the fields of snapshots that are read.
    """

    def __init__(self, tls: ssl.SSLContext | None, *, kept: Set[str]) -> None:
        super().__init__()
        self._tls = tls
        self._kept_fields = kept
        self.read_seconds = READ_SECONDS
        """Longest silence of the server; a caller that asks it to wait must raise it."""
        self._aborted = False

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        """Return the connection that is open already, or a fresh one."""
        if self._aborted:
            raise ConnectionAbortedError("no complete answer in time")
        kept = self._kept()
        if kept is not None:
            if kept.sock is not None:
                kept.sock.settimeout(self.read_seconds)
            return kept
        address, self._extra_headers, _ = self.get_host_info(host)
        fresh = self._connect(address)
        self._connection = host, fresh
        return fresh

    def getparser(self) -> Any:
        """Return parser and unmarshaller, which are one object here."""
        reader = XmlRpcReader(self._kept_fields)
        return reader, reader

    def _kept(self) -> http.client.HTTPConnection | None:
        connection = self._connection[1]
        return connection if isinstance(connection, http.client.HTTPConnection) else None

    def _connect(self, address: str) -> http.client.HTTPConnection:
        connection = (
            http.client.HTTPConnection(address, timeout=CONNECT_SECONDS)
            if self._tls is None
            else http.client.HTTPSConnection(address, timeout=CONNECT_SECONDS, context=self._tls)
        )
        connection.connect()
        connection.sock.settimeout(self.read_seconds)
        return connection

    def abort(self) -> None:
        """Break off the call that waits, and every later one."""
        self._aborted = True
        kept = self._kept()
        sock = kept.sock if kept is not None else None
        if sock is not None:
            with suppress(OSError):  # closed by the other side meanwhile
                sock.shutdown(socket.SHUT_RDWR)

    def restart(self, read_seconds: float) -> None:
        """Allow calls again, over a fresh connection."""
        self.close()
        self._aborted = False
        self.read_seconds = read_seconds


def tls_context(*, verify: bool, ca_file: Path | None) -> ssl.SSLContext:
    """Return what decides whom we trust.

    Raises OSError if `ca_file` cannot be read or holds no certificates.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
