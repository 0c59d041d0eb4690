"""Refuses every connection but to this machine, in processes that have `NO_NETWORK` set."""

import os
import sys


def refuse(event: str, arguments: tuple) -> None:
    """An audit hook: Python calls it before it connects or asks for an address."""
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else "localhost"
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in (None, "", "localhost", "127.0.0.1", "::1"):
        raise OSError(f"no network here: {host}")


if os.environ.get("NO_NETWORK"):
    sys.addaudithook(refuse)
