"""Ports for servers that start a little later."""

import random

from cli.embedded.ports import is_free

_PORTS = range(20_000, 30_000)
"""Below those that the system gives away by itself: from 32768 on Linux, else from 49152.

Of these every connection takes one, on Linux an even one, and the port is taken for a minute after
the connection's end: while tests run, the successor of an odd port may be gone at any time.
"""


def two_free_ports() -> int:
    """Return a free port whose successor is free too: for the web server and the simulator."""
    while True:
        port = random.choice(_PORTS)
        if is_free(port) and is_free(port + 1):
            return port
