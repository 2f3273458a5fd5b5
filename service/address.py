"""Where the service is to listen, tried before anything starts: BentoML wipes its folder first and binds afterwards.

host, port --resolve--> an IP address, the only kind that BentoML takes --bind--> it | AddressError
"""

from __future__ import annotations

import errno
import socket
from typing import Final

PORTS: Final = range(1, 65536)


class AddressError(ValueError):
    """The service cannot listen there; the message says why, and the way out."""


def listenable(host: str, port: int) -> str:
    """The IP address of `host` (of several an IPv4 one), on which `port` is free."""
    if port not in PORTS:
        raise AddressError(f"PORT is {port}, wanted {PORTS[0]} to {PORTS[-1]}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:  # the latter where a name is too long to be one
        raise AddressError(
            f"HOST is {host!r}, which has no address ({error}): wanted one of this machine, such as 127.0.0.1, "
            "or 0.0.0.0 for all of them"
        ) from None
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    ip = str(address[0])
    where = f"[{ip}]:{port}" if family == socket.AF_INET6 else f"{ip}:{port}"
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        # As BentoML will bind: connections that have ended are no hindrance, and what listens is.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = f"{where} is taken: stop what listens there, or choose another, PORT=…"
            else:
                reason = f"{where} cannot be listened on ({error.strerror}): choose another, HOST=… PORT=…"
            raise AddressError(f"{reason} (with `python -m service`: --host, --port)") from None
    return ip
