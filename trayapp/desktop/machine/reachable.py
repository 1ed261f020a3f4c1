"""Whether a server takes a connection."""

import socket

from trayapp.endpoints.units import HostPort

_PATIENCE = 3.0
"""Seconds for one attempt."""


def reachable(address: HostPort) -> bool:
    """Connect, and hang up. Takes seconds when nobody answers: not for the GUI's thread."""
    try:
        socket.create_connection((address.host, address.port), _PATIENCE).close()
    except OSError:
        return False
    return True
