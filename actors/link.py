"""Calls between processes of one machine over a unix socket: how gateways and the supervisor
reach the hosts beside them.

A Ray call costs 2 to 4 ms of CPU when it comes alone (measured: `perf/README.md`), a frame on a socket that stays open
some 100 µs. Ray still makes the hosts, names them and tells where they are; hosts on other
machines are called through it.

    frame: length of the body (4 bytes) · ticket (4) · kind (1) · body        little endian

The socket stands in a folder that only the cell's user may enter. A reply carries its request's ticket;
they may come in any order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec

from actors.runtime.errors import HostUnreachable

log = logging.getLogger("ocefs.link")
_HEAD = struct.Struct("<IIB")
CALL, LISTEN, DONE, FAILED, OWNED = range(5)
BODY_BYTES_MAX = 1 << 30
_encode = msgspec.msgpack.Encoder().encode
_listening = msgspec.msgpack.Decoder(tuple[str, int, bool]).decode
_owned = msgspec.msgpack.Decoder(dict[int, int]).decode


class Callee(Protocol):
    """What stands behind a door: a `Host`."""

    async def call(self, payload: bytes) -> bytes: ...
    async def listen(self, gateway_id: str, cursor: int, live: bool) -> bytes: ...
    def owned(self) -> dict[int, int]: ...


class _Frames(ABC, asyncio.Protocol):
    """Cuts what arrives into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one, but not by inheritance

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _HEAD.size:
            length, ticket, kind = _HEAD.unpack_from(buffer, at)
            end = at + _HEAD.size + length
            if end > len(buffer):
                break
            body = bytes(memoryview(buffer)[at + _HEAD.size : end])
            at = end
            self.received(ticket, kind, body)
        if at:
            del buffer[:at]

    @abstractmethod
    def received(self, ticket: int, kind: int, body: bytes) -> None:
        """A whole frame came."""

    def send(self, ticket: int, kind: int, body: bytes) -> bool:
        """False when nobody is there any more."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.writelines((_HEAD.pack(len(body), ticket, kind), body))
        return True

    def end(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Served(_Frames):
    """One gateway at a host's door. What it asked for is done even if it goes away meanwhile."""

    def __init__(self, door: HostDoor) -> None:
        super().__init__()
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._door.served.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._door.served.discard(self)

    def received(self, ticket: int, kind: int, body: bytes) -> None:
        self._door.spawn(self._answer(ticket, self._work(kind, body)))

    def _work(self, kind: int, body: bytes) -> Coroutine[Any, Any, bytes]:
        callee = self._door.callee
        if kind == CALL:
            return callee.call(body)
        return callee.listen(*_listening(body)) if kind == LISTEN else self._owned()

    async def _owned(self) -> bytes:
        return _encode(self._door.callee.owned())

    async def _answer(self, ticket: int, work: Coroutine[Any, Any, bytes]) -> None:
        try:
            body = await work
        except Exception as fault:
            log.exception("a call over the link failed")
            self.send(ticket, FAILED, type(fault).__name__.encode())
        else:
            self.send(ticket, DONE, body)


class HostDoor:
    """A host's end: `callee` is called for whoever connects to `path`."""

    def __init__(self, path: Path, callee: Callee) -> None:
        self.path = path
        self.callee = callee
        self.served: set[_Served] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listens. The folder is made for its owner alone."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._server = await asyncio.get_running_loop().create_unix_server(lambda: _Served(self), str(self.path))

    async def close(self) -> None:
        """Ends all connections."""
        if self._server is not None:
            self._server.close()
        for one in list(self.served):
            one.end()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs it; kept until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class HostLink(_Frames):
    """A gateway's end. `lost` once the connection is gone: connect anew then."""

    def __init__(self) -> None:
        super().__init__()
        self._ticket = 0
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._heard = 0
        self.lost = False

    async def call(self, payload: bytes) -> bytes:
        """See Host.call. Raises HostUnreachable: the call may have been done or not."""
        return await self._ask(CALL, payload)

    async def listen(self, gateway_id: str, cursor: int, live: bool) -> bytes:
        """See Host.listen. Raises HostUnreachable."""
        return await self._ask(LISTEN, _encode((gateway_id, cursor, live)))

    async def owned(self) -> dict[int, int]:
        """See Host.owned. Raises HostUnreachable."""
        return _owned(await self._ask(OWNED, b""))

    async def _ask(self, kind: int, body: bytes) -> bytes:
        if len(body) > BODY_BYTES_MAX:
            raise HostUnreachable(f"a call of {len(body)} bytes is too large")
        self._ticket = ticket = (self._ticket + 1) & 0xFFFF_FFFF
        future = self._waiting[ticket] = asyncio.get_running_loop().create_future()
        heard = self._heard
        try:
            if not self.send(ticket, kind, body):
                raise HostUnreachable("the link is closed")
            answer: bytes = await future
        except asyncio.CancelledError:
            if self._heard == heard:
                # Not a word since: it may be a process that stands still and whose name another
                # has by now. Ask where it is.
                self.abandon()
            raise
        else:
            return answer
        finally:
            self._waiting.pop(ticket, None)

    def received(self, ticket: int, kind: int, body: bytes) -> None:
        self._heard += 1
        future = self._waiting.get(ticket)
        if future is None or future.done():
            return  # whoever asked has given up
        if kind == DONE:
            future.set_result(body)
        else:
            future.set_exception(HostUnreachable(body.decode(errors="replace")))

    def abandon(self) -> None:
        """Ends the link without waiting for what is still to be written."""
        self.lost = True
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost = True
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(HostUnreachable("the connection to the host is lost"))


async def connected(path: str) -> HostLink:
    """A link to the door at `path`. Raises HostUnreachable."""
    try:
        _, link = await asyncio.get_running_loop().create_unix_connection(HostLink, path)
    except OSError as fault:
        raise HostUnreachable(f"{path}: {fault.strerror}") from fault
    return link
