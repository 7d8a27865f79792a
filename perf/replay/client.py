"""The cell over HTTP: one place where requests are sent, and sent again under the same key while
the cell asks for patience.

CellError
├── CellUnreachable   nobody answered, or only 429/502/503/504, until the deadline
└── CellRefused       an answer that makes going on pointless (raised by callers, e.g. for the set-up)
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import msgspec

from perf.credentials import NOBODY, Credentials
from perf.https import tls_of

RETRIED_STATUSES: Final = (429, 502, 503, 504)
RETRY_AFTER_S_MAX: Final = 30.0
BACKOFF_S_FIRST: Final = 0.1
BACKOFF_S_MAX: Final = 5.0
REQUEST_S_MAX: Final = 30.0
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024

encode: Final = msgspec.json.Encoder().encode


class CellError(Exception):
    """The replay can't go on; the message says why and what to look at."""


class CellUnreachable(CellError):
    """No answer, or only requests for patience, until the deadline."""


class CellRefused(CellError):
    """The cell refused something without which the replay makes no sense."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is the decoded JSON, or None where there was none."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """The problem's stable code, or the HTTP status where there is no problem body."""
        code = self.body.get("code") if isinstance(self.body, dict) else None
        return code if isinstance(code, str) and code else f"http.{self.status}"

    @property
    def detail(self) -> str:
        """What the cell says about it, in one line of bounded length."""
        detail = self.body.get("detail") if isinstance(self.body, dict) else None
        return " ".join(detail.split())[:200] if isinstance(detail, str) else ""


class CellClient:
    """Keeps connections to one address alive and bounds the requests in flight; `retries` counts those sent again.

    Writes carry an Idempotency-Key, so sending one again after a lost answer changes nothing twice. `credentials` may
    be set while it is in use: whether the cell asks who we are is seen by its first answer.
    """

    def __init__(self, base: str, region: str, concurrency: int, patience_s: float = 120.0) -> None:
        self._base = base.rstrip("/")
        self._headers = {"X-OCEFS-Region": region, "Content-Type": "application/json"}
        self._slots = asyncio.Semaphore(concurrency)
        self._concurrency = concurrency
        self._patience_s = patience_s
        self._session: aiohttp.ClientSession | None = None
        self.credentials: Credentials = NOBODY
        self.requests = 0
        self.retries = 0

    async def __aenter__(self) -> Self:
        verified = tls_of(self._base) or True  # True: aiohttp's own, for plain addresses of no matter
        connector = aiohttp.TCPConnector(limit=self._concurrency, keepalive_timeout=60, ssl=verified)
        timeout = aiohttp.ClientTimeout(total=min(REQUEST_S_MAX, self._patience_s))
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, query: Mapping[str, str] | None = None, patience_s: float | None = None) -> Answer:
        """Reads. Raises CellUnreachable after `patience_s` seconds (default: the client's)."""
        return await self._send("GET", path, query=query, patience_s=patience_s)

    async def post(self, path: str, body: bytes, key: str) -> Answer:
        """Writes under `key`, or without one where a call has none ("", signing in). Raises CellUnreachable."""
        return await self._send("POST", path, body, key)

    async def put(self, path: str, body: bytes, key: str) -> Answer:
        """Writes under `key`. Raises CellUnreachable."""
        return await self._send("PUT", path, body, key)

    async def delete(self, path: str) -> Answer:
        """Takes away what has no key (a session). Raises CellUnreachable."""
        return await self._send("DELETE", path)

    async def _send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        key: str | None = None,
        query: Mapping[str, str] | None = None,
        patience_s: float | None = None,
    ) -> Answer:
        headers = {"Idempotency-Key": key} if key else {}
        clock = asyncio.get_running_loop().time
        deadline = clock() + (self._patience_s if patience_s is None else patience_s)
        pause_s = BACKOFF_S_FIRST
        # The slot is held while waiting: what the cell can't take now, others shall not add to.
        async with self._slots:
            while True:
                self.requests += 1
                try:
                    answer, wait_s = await self._once(method, path, body, headers, query)
                    if answer.status not in RETRIED_STATUSES:
                        return answer
                    trouble = f"{answer.status} {answer.code}"
                except (aiohttp.ClientError, TimeoutError) as error:
                    trouble, wait_s = str(error) or type(error).__name__, None
                wait_s = pause_s if wait_s is None else wait_s
                pause_s = min(2 * pause_s, BACKOFF_S_MAX)
                if clock() + wait_s > deadline:
                    raise CellUnreachable(f"{method} {self._base}{path}: {trouble}")
                self.retries += 1
                await asyncio.sleep(wait_s)

    async def _once(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], query: Mapping[str, str] | None
    ) -> tuple[Answer, float | None]:
        assert self._session is not None, "use `async with`"
        async with self._session.request(
            method,
            self._base + path,
            data=body,
            headers={**headers, **self.credentials.headers()},
            params=query,
            allow_redirects=False,
        ) as response:
            raw = await _read(response)
            return Answer(response.status, _decoded(raw)), _retry_after_s(response.headers.get("Retry-After"))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body. Raises CellRefused past ANSWER_BYTES_MAX: that is no answer of a cell."""
    raw = bytearray()
    async for piece in response.content.iter_any():
        raw += piece
        if len(raw) > ANSWER_BYTES_MAX:
            raise CellRefused(f"{response.url} answered with more than {ANSWER_BYTES_MAX:,} bytes")
    return bytes(raw)


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw) if raw else None
    except msgspec.DecodeError:
        return None


def _retry_after_s(header: str | None) -> float | None:
    """Seconds asked for, bounded; None where the header is absent or a date (which our cells never send)."""
    try:
        return min(max(float(header), 0.0), RETRY_AFTER_S_MAX) if header else None
    except ValueError:
        return None
