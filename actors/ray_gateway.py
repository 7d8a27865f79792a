"""The gateway over Ray: hosts are named actors, the map comes from the cell's supervisor."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import Any

import msgspec
import ray
from ray.exceptions import RayError

from actors.link import HostLink, connected
from actors.runtime.errors import HostUnreachable
from actors.runtime.host import Host
from actors.runtime.ports import ShardMap

log = logging.getLogger("ocefs.gateway")
NAMESPACE = "ocefs"
# A host says something to each listener every second, if only how it is: one that is silent for longer stands still.
LISTEN_TIMEOUT_S = 4.0
# To learn where a host is and to connect; others who want the same host wait meanwhile.
CONNECT_TIMEOUT_S = 1.5
# A door that could not be opened is tried again after that.
DOOR_PAUSE_S = 10.0
_MAP = msgspec.msgpack.Decoder(ShardMap).decode


class HostAddress(msgspec.Struct, frozen=True):
    """Where a host is: Ray's id of its machine, and its door there ("" when it has none)."""

    node_id: str
    path: str


_ADDRESS = msgspec.msgpack.Decoder(HostAddress).decode


def door_beside_us(told: bytes) -> str:
    """The path of the door of a host that says this (a `HostAddress`) of where it is; "" when that is another
    machine, or it has none."""
    address = _ADDRESS(told)
    return address.path if address.node_id == ray.get_runtime_context().get_node_id() else ""


def supervisor_name(region: str) -> str:
    """The name of a cell's supervisor in the Ray dashboard."""
    return f"{region}/supervisor"


class ActorHandles:
    """Handles of named actors, kept until a call to one fails."""

    def __init__(self) -> None:
        self._handles: dict[str, Any] = {}

    async def get(self, name: str) -> Any:
        """The handle of the actor `name`; raises HostUnreachable when there is none."""
        handle = self._handles.get(name)
        if handle is None:
            try:
                # Asks Ray's control store, which may take its time: not on the event loop.
                handle = await asyncio.to_thread(ray.get_actor, name, NAMESPACE)
            except (ValueError, RayError) as missing:
                raise HostUnreachable(name) from missing
            self._handles[name] = handle
        return handle

    def forget(self, name: str) -> None:
        """The next call asks anew who has the name."""
        self._handles.pop(name, None)

    async def call(self, name: str, method: str, *args: Any) -> Any:
        """The result of a method of the actor; raises HostUnreachable for whatever goes wrong on the way or there."""
        handle = await self.get(name)
        try:
            return await getattr(handle, method).remote(*args)
        except RayError as fault:
            self.forget(name)
            raise HostUnreachable(f"{name}: {type(fault).__name__}") from fault


class HostTransport:
    """`actors.runtime.ports.Transport`: hosts on this machine by a link that stays open, others by Ray calls. Neither
    is ever repeated here: the gateway does, with the same command ids."""

    def __init__(self, handles: ActorHandles | None = None) -> None:
        self._handles = handles or ActorHandles()
        self._links: dict[str, HostLink] = {}
        # host → until when it is called through Ray
        self._far: dict[str, float] = {}
        self._connecting: dict[str, asyncio.Lock] = {}

    async def call(self, host: str, payload: bytes) -> bytes:
        """Many envelopes."""
        link = await self._link(host)
        if link is not None:
            return await link.call(payload)
        reply: bytes = await self._by_ray(host, "call", payload)
        return reply

    async def listen(self, host: str, gateway_id: str, cursor: int, live: bool) -> bytes:
        """The host's long-poll."""
        link = await self._link(host)
        try:
            async with asyncio.timeout(LISTEN_TIMEOUT_S):
                if link is not None:
                    return await link.listen(gateway_id, cursor, live)
                downlink: bytes = await self._by_ray(host, "listen", gateway_id, cursor, live)
                return downlink
        except TimeoutError:
            raise HostUnreachable(f"{host} tells nothing") from None

    async def _by_ray(self, host: str, method: str, *args: Any) -> Any:
        try:
            return await self._handles.call(host, method, *args)
        except HostUnreachable:
            self._far.pop(host, None)  # its successor may be nearer
            raise

    async def _link(self, host: str) -> HostLink | None:
        """The link to a host; None when it is on another machine. Raises HostUnreachable."""
        link = self._links.get(host)
        if link is not None and not link.lost:
            return link
        if self._far.get(host, 0.0) > time.monotonic():
            return None
        async with self._connecting.setdefault(host, asyncio.Lock()):
            link = self._links.get(host)
            if link is None or link.lost:
                self._links.pop(host, None)
                try:
                    async with asyncio.timeout(CONNECT_TIMEOUT_S):
                        link = await self._connect(host)
                except TimeoutError:
                    self._handles.forget(host)
                    raise HostUnreachable(f"{host} does not say where it is") from None
                if link is not None:
                    self._links[host] = link
        return link

    async def _connect(self, host: str) -> HostLink | None:
        door = door_beside_us(await self._handles.call(host, "address"))
        if not door:
            self._far[host] = math.inf
            return None
        try:
            return await connected(door)
        except HostUnreachable as closed:
            # The host itself has just answered through Ray: so it is called that way until its door opens.
            log.warning("a door can't be opened, the host is called through Ray: %s", closed)
            self._far[host] = time.monotonic() + DOOR_PAUSE_S
            return None


class NearTransport:
    """A host's own transport: messages among its own entities leave no process."""

    def __init__(self, name: str, far: HostTransport) -> None:
        self._name = name
        self._far = far
        self.own: Host | None = None

    async def call(self, host: str, payload: bytes) -> bytes:
        """See HostTransport.call."""
        if host == self._name and self.own is not None:
            return await self.own.call(payload)
        return await self._far.call(host, payload)

    async def listen(self, host: str, gateway_id: str, cursor: int, live: bool) -> bytes:
        """See HostTransport.listen."""
        return await self._far.listen(host, gateway_id, cursor, live)


class SupervisorMap:
    """Where a gateway reads the shard map: the supervisor of its cell."""

    def __init__(self, region: str, handles: ActorHandles | None = None) -> None:
        self._name = supervisor_name(region)
        self._handles = handles or ActorHandles()

    async def __call__(self) -> ShardMap:
        """The present map."""
        return _MAP(await self._handles.call(self._name, "shard_map"))
