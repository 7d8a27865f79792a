"""One HTTP/1.1 connection of one client, as real ones have them: kept open, opened again when
it breaks, with a deadline.

Raw asyncio, because the load runs on the machine that it loads. One request at a time.
"""

import asyncio
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from perf.credentials import NOBODY, Credentials
from perf.https import port_of, tls_of

NO_ANSWER = 0
ANSWER_S = 5.0  # whoever has none by then asks again
HEAD_BYTES_MAX = 65_536


class Reply(NamedTuple):
    """An answer; status NO_ANSWER when none came (refused, broken off, too late). `retry_after_s`: as the cell asks."""

    status: int
    body: bytes
    retry_after_s: float = 0.0

    def json(self) -> Any:
        """The decoded body; None if it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return None


class Door:
    """A connection to one address, e.g. `http://127.0.0.1:8101`."""

    def __init__(self, base: str, credentials: Credentials = NOBODY) -> None:
        parts = urlsplit(base)
        self._credentials = credentials
        self._host = parts.netloc
        self._address = (parts.hostname or "127.0.0.1", port_of(base))
        self._tls = tls_of(base)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, body: bytes = b"", key: str = "") -> Reply:
        """One request, sent once. Whatever goes wrong on the way is a reply with NO_ANSWER and
        the reason as its body."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(body)}\r\n"
        if key:
            head += f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\n"
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._exchange(head.encode() + self._credentials.line() + b"\r\n" + body)
        except (OSError, TimeoutError, EOFError, ValueError, asyncio.LimitOverrunError) as fault:
            self.close()
            return Reply(NO_ANSWER, f"{type(fault).__name__}: {fault}".encode())
        except BaseException:
            self.close()
            raise

    async def _exchange(self, request: bytes) -> Reply:
        if self._writer is None or self._reader is None or self._reader.at_eof() or self._writer.is_closing():
            self.close()
            self._reader, self._writer = await asyncio.open_connection(
                *self._address, limit=HEAD_BYTES_MAX, ssl=self._tls
            )
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        status = int(first.split(" ", 2)[1])
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if fields.get("transfer-encoding", "").lower() == "chunked":
            body = await self._chunks(self._reader)
        else:
            body = await self._reader.readexactly(int(fields.get("content-length", "0")))
        if fields.get("connection", "").lower() == "close":
            self.close()
        wait = fields.get("retry-after", "")
        return Reply(status, body, float(wait) if wait.isdigit() else 0.0)

    @staticmethod
    async def _chunks(reader: asyncio.StreamReader) -> bytes:
        parts = []
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
        return b"".join(parts)

    def close(self) -> None:
        """Closes the connection; the next request opens another one."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None
