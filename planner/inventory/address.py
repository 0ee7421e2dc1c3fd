"""URLs of a pool's members: one URL of an API, and the address that xapi gives for another member."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_HOST = re.compile(r"[0-9A-Za-z._:-]+")
"""What names and addresses of hosts are made of, IPv6 without its brackets."""


def member_url(url: str, address: str) -> str | None:
    """Return the URL of the member at `address`, reached the way `url` is: same scheme, same port.

    `address` is an IPv4 or bare or bracketed IPv6 address or a host name, with or without a port of its own.
    None if it is none of these.
    """
    parts = urlsplit(url)
    if address.count(":") > 1 and not address.startswith("["):
        address = f"[{address}]"
    try:
        asked = urlsplit(f"{parts.scheme}://{address}")
        host, port = asked.hostname, asked.port
    except ValueError:
        return None
    if not host or asked.netloc != address or "@" in address or not _HOST.fullmatch(host):
        return None
    name = f"[{host}]" if ":" in host else host
    port = port if port is not None else parts.port
    return f"{parts.scheme}://{name}" + (f":{port}" if port is not None else "")
