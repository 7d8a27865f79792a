"""A home of each test's own, so that none finds what a `make up` of the same checkout left; a server with a
certificate, for those who call one."""

import http.server
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cells.certs import Pair
from cells.tls import server_context


class _Fine(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


class _Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass  # callers who hang up in the handshake are what the tests are about


@pytest.fixture(autouse=True)
def home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def signals_of_others() -> Iterator[None]:
    """A keeper that a test runs takes the signals that end it for its own: whoever wants to stop the tests after it
    would raise an error in one of them, and not stop them."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key service that a machine full of others' work is slow to ask is not away, nor is it asked once more."""
    monkeypatch.setattr("serve.keys.remote_key.DEADLINE_S", 60.0)
    monkeypatch.setattr("serve.keys.vault_transit._TRY_S", 60.0)
    monkeypatch.setattr("serve.keys.opening.PROVE_S", 60.0)


@pytest.fixture
def https_server() -> Iterator[Callable[[Pair], int]]:
    """Starts servers that answer 200 to everything; gives the port."""
    servers = []

    def start(pair: Pair) -> int:
        server = _Quiet(("127.0.0.1", 0), _Fine)
        server.socket = server_context(pair).wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return int(server.server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
