"""An HTTP server on loopback, in threads of this process, for fakes of services that are spoken to over a network."""

from __future__ import annotations

import http.server
import threading
from abc import ABC, abstractmethod
from typing import NamedTuple


class Request(NamedTuple):
    """What somebody asked. Names of headers in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    """What he gets. `location`: where he is sent to."""

    status: int
    body: bytes
    content_type: str = "application/json"
    location: str = ""


class LoopbackServer(ABC):
    """Answers by `answer`, which subclasses write. `failing`: statuses that the next requests get instead. `asked`: all
    requests; `faults`: what was wrong with those that no client may send."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.failing: list[int] = []
        self.faults: list[str] = []
        self._hung = threading.Event()
        self._hung.set()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """What is answered to it."""

    def hang(self) -> None:
        """From now on requests are taken and not answered, until `stop`."""
        self._hung.clear()

    def stop(self) -> None:
        """Nobody listens there any more. To stop twice changes nothing."""
        self._hung.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def handle(self, request: Request) -> Answer:
        self.asked.append(request)
        self._hung.wait()
        if self.failing:
            return Answer(self.failing.pop(0), b"{}")
        try:
            return self.answer(request)
        except (AssertionError, LookupError, ValueError) as fault:
            self.faults.append(f"{request.method} {request.path}: {fault!r}")
            return Answer(500, b"{}")


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, fake: LoopbackServer) -> None:
        self.fake = fake
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, *_: object) -> None:
        pass  # callers who gave up


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        told = self.server.fake.handle(Request(self.command, self.path, headers, body))
        self.send_response(told.status)
        self.send_header("Content-Type", told.content_type)
        self.send_header("Content-Length", str(len(told.body)))
        if told.location:
            self.send_header("Location", told.location)
        self.end_headers()
        self.wfile.write(told.body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass
