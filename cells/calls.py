"""Small HTTP calls of the command line: JSON in, JSON out, never without a deadline."""

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from typing import Any

import msgspec

from cells.trust import Trust, client_context


class Answer(msgspec.Struct, frozen=True):
    """`status` 0 means that nobody answered; `body` is the decoded JSON, or the text if it is none."""

    status: int
    body: Any

    @property
    def fine(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300


def call(
    method: str, url: str, body: object = None, headers: dict[str, str] | None = None, timeout_s: float = 10.0,
    trust: Trust | None = None, source: str = "",
) -> Answer:  # fmt: skip
    """One request; never raises because of the other side. `trust`: how an `https://` server is
    verified; by default by its URL. `source`: from which of our addresses; by default as the system has it.

    Raises CertificateRefused when the CA's file can't be used.
    """
    data = None if body is None else json.dumps(body).encode()
    fields = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, fields, method=method)  # noqa: S310  the address is from our config
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]  # all of it is on this machine
    if url.startswith("https:"):
        handlers.append(_Verified(trust, source))
    elif source:
        handlers.append(_From(source))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=timeout_s) as response:
            return Answer(response.status, _decoded(response.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _decoded(error.read()))
    except (OSError, http.client.HTTPException):
        return Answer(0, "")


class _From(urllib.request.HTTPHandler):
    """HTTP from one of our addresses."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._source = source

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, request)

    def _connection(self, host: str, **options: Any) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(host, source_address=(self._source, 0), **options)


class _Verified(urllib.request.HTTPSHandler):
    """HTTPS with a server that is called by an address, and verified by another name."""

    def __init__(self, trust: Trust | None, source: str = "") -> None:
        super().__init__(context=trust.context() if trust else client_context())
        self._name = trust.name if trust else ""
        self._source = (source, 0) if source else None

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, request)

    def _connection(self, host: str, **options: Any) -> http.client.HTTPConnection:
        context = self._context  # type: ignore[attr-defined]
        return _NamedConnection(host, name=self._name, context=context, source_address=self._source, **options)


class _NamedConnection(http.client.HTTPSConnection):
    def __init__(self, host: str, *, name: str, context: ssl.SSLContext, **options: Any) -> None:
        super().__init__(host, context=context, **options)
        self._tls, self._name = context, name

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name or self.host)


def call_until(
    deadline: float, method: str, url: str, body: object, headers: dict[str, str], trust: Trust | None = None,
    source: str = "",
) -> Answer:  # fmt: skip
    """Repeat a request until it is taken (no 429, no 5xx, somebody answers) or the monotonic `deadline` has passed."""
    wait_s = 0.1
    while True:
        answer = call(method, url, body, headers, trust=trust, source=source)
        if answer.status not in {0, 429} and answer.status < 500:
            return answer
        if time.monotonic() + wait_s >= deadline:
            return answer
        time.sleep(wait_s)
        wait_s = min(1.0, wait_s * 2)


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")
