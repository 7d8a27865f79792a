"""Ports of 127.0.0.1 for what a test or a benchmark starts: nobody else has or draws them while this process lives.

A port that the system hands out is no answer: once it is let go, for its server to take, the system may give it to
anybody's outgoing connection, and then the server does not start. So they come from below those, beside the ports of
the project's own regions and of the cells that tests start (perf/chaos/own_cell.py).
"""

import random
import socket
from contextlib import ExitStack

DRAWN = range(20_000, 21_000)
# A claim is the UDP port of the same number, which nothing here uses: it goes with the process, however it ends, and
# leaves TCP's to the server.
_claims: list[socket.socket] = []


def free_ports(count: int) -> list[int]:
    """So many different ones that nobody listens on, or has closed a connection on just now.

    Raises OSError if there are no more.
    """
    found: list[int] = []
    for port in random.sample(DRAWN, len(DRAWN)):
        if len(found) == count:
            break
        if _claim(port):
            found.append(port)
    if len(found) < count:
        raise OSError(f"no port between {DRAWN.start} and {DRAWN.stop} is free; end another run first")
    return found


def _claim(port: int) -> bool:
    """Whether the port is this process' from now on."""
    with ExitStack() as stack:
        claim = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        probe = stack.enter_context(socket.socket())
        try:
            claim.bind(("127.0.0.1", port))
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        probe.close()
        stack.pop_all()  # what was claimed stays open
        _claims.append(claim)
        return True
