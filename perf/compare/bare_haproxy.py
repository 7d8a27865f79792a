"""The same HAProxy as the router's with nothing to decide: no rules, checks, limits or second tries.

What the way through it costs is what any HAProxy on the same cores would cost; what the router
costs beyond that is ours.
"""

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cells.haproxy import haproxy_binary
from perf.comparison import StartFailed
from perf.https import host_of
from perf.ports import free_ports

START_S = 10.0
POLL_S = 0.05
_CONFIG = """
global
    maxconn 2000
    nbthread 1
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 15s
frontend bare
    bind 127.0.0.1:{port}
    default_backend cell
backend cell
    http-reuse always
    server cell {cell}{tls}
"""
# It measures what the way costs: whom it speaks to, we know.
_TLS = " ssl verify none ssl-min-ver TLSv1.2"


@contextmanager
def bare_haproxy(base: str) -> Iterator[str]:
    """Starts it before the cell at `base`, yields its address, and stops it. Raises StartFailed."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="ocefs-bench-haproxy-") as folder:
        config = Path(folder) / "haproxy.cfg"
        config.write_text(_CONFIG.format(port=port, cell=host_of(base), tls=_TLS if base.startswith("https:") else ""))
        process = subprocess.Popen(
            [haproxy_binary(), "-db", "-f", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_open(process, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(START_S)


def _wait_open(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise StartFailed(f"HAProxy did not start to listen on 127.0.0.1:{port} within {START_S:.0f} s")
        time.sleep(POLL_S)
