"""A connection that TLS refuses, to a cell or from a caller, is seen by nobody: the real HAProxy,
certificates of two CAs."""

import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cells.certs import Holder, ca_file, make, pair_of, router_holder
from cells.processes import wait_until
from perf.ports import free_ports
from router import process
from router.config import RouterConfig
from router.state import RouterFolder
from router.topology import Region


class Impostor:
    """It listens where a cell should, and shows a certificate of another CA."""

    def __init__(self, home: Path) -> None:
        make(home, [Holder("cell", ("localhost", "127.0.0.1"))])
        pair = pair_of(home, "cell")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pair.certificate, pair.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            accepted.settimeout(2)
            try:
                with self._context.wrap_socket(accepted, server_side=True):
                    pass
            except OSError:
                accepted.close()


@pytest.fixture(params=["off", "errors"])
def router(request: pytest.FixtureRequest) -> Iterator[tuple[int, Path]]:
    """The port, and the log. `params`: which requests are in it."""
    home, elsewhere = (Path(tempfile.mkdtemp(prefix="ocefs-router-")) for _ in range(2))
    port, stats_port = free_ports(2)
    cell = Impostor(elsewhere)
    try:
        make(home, [router_holder("127.0.0.1", "localhost")])
        region = Region(
            name="us", countries=("US",), lat=39.8, lon=-98.6, default=True, residency="open", host="127.0.0.1", port=cell.port,
            tls_ca=str(ca_file(home)), tls_name="localhost",
        )  # fmt: skip
        # Refused, and not too late: the cell that shows the certificate is a thread of ours.
        config = RouterConfig(
            port=port, stats_port=stats_port, connections_max=500, tls="required", request_log=request.param,
            check_timeout_ms=30_000,
        )  # fmt: skip
        process.start(home, config, (region,))
        yield port, RouterFolder(home).log
    finally:
        process.stop(home)
        cell.close()
        shutil.rmtree(RouterFolder(home).places.socket.parent.parent, ignore_errors=True)
        for folder in (home, elsewhere):
            shutil.rmtree(folder)


def test_a_cell_that_shows_a_certificate_of_somebody_else_is_away_without_a_word_why(router: tuple[int, Path]) -> None:
    _, log = router
    assert wait_until(lambda: "Server cell_us/cell is DOWN" in log.read_text(), 30), log.read_text()
    line = next(line for line in log.read_text().splitlines() if "Server cell_us/cell is DOWN" in line)
    assert "SSL handshake failure" in line


@pytest.mark.parametrize("router", ["errors"], indirect=True)
def test_a_caller_whose_handshake_failed_is_in_no_log(router: tuple[int, Path]) -> None:
    port, log = router
    with socket.create_connection(("127.0.0.1", port), timeout=30) as caller:
        caller.sendall(b"GET /v1/skus HTTP/1.1\r\nHost: a\r\n\r\n")
        assert caller.recv(1000) == b""
    assert wait_until(lambda: "handshake=SSL handshake failure" in log.read_text(), 30), log.read_text()
    line = next(line for line in log.read_text().splitlines() if "handshake=" in line)
    assert "http request" in line
    assert "127.0.0.1" not in line
