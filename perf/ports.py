"""Ports of 127.0.0.1 that nobody listens on just now."""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """So many different ones. Each is held until all are drawn: what was let go at once, the system may give again."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
