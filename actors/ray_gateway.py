"""The gateway over Ray: hosts are named actors, the map comes from the cell's supervisor."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import ray
from ray.exceptions import RayError

from actors.runtime.errors import HostUnreachable
from actors.runtime.host import Host
from actors.runtime.ports import ShardMap

NAMESPACE = "ocefs"
_MAP = msgspec.msgpack.Decoder(ShardMap).decode


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

    async def call(self, name: str, method: str, *args: Any) -> Any:
        """The result of a method of the actor; raises HostUnreachable for whatever goes wrong on the way or there."""
        handle = await self.get(name)
        try:
            return await getattr(handle, method).remote(*args)
        except RayError as fault:
            self._handles.pop(name, None)
            raise HostUnreachable(f"{name}: {type(fault).__name__}") from fault


class RayTransport:
    """`actors.runtime.ports.Transport` over Ray."""

    def __init__(self, handles: ActorHandles | None = None) -> None:
        self._handles = handles or ActorHandles()

    async def call(self, host: str, payload: bytes) -> bytes:
        """One Ray call with many envelopes. It is never repeated by Ray: the gateway does, with the same command ids."""
        reply: bytes = await self._handles.call(host, "call", payload)
        return reply

    async def listen(self, host: str, gateway_id: str, cursor: int, live: bool) -> bytes:
        """The host's long-poll."""
        link: bytes = await self._handles.call(host, "listen", gateway_id, cursor, live)
        return link


class NearTransport:
    """A host's own transport: messages among its own entities do not go through Ray."""

    def __init__(self, name: str, far: RayTransport) -> None:
        self._name = name
        self._far = far
        self.own: Host | None = None

    async def call(self, host: str, payload: bytes) -> bytes:
        """See RayTransport.call."""
        if host == self._name and self.own is not None:
            return await self.own.call(payload)
        return await self._far.call(host, payload)

    async def listen(self, host: str, gateway_id: str, cursor: int, live: bool) -> bytes:
        """See RayTransport.listen."""
        return await self._far.listen(host, gateway_id, cursor, live)


class SupervisorMap:
    """Where a gateway reads the shard map: the supervisor of its cell."""

    def __init__(self, region: str, handles: ActorHandles | None = None) -> None:
        self._name = supervisor_name(region)
        self._handles = handles or ActorHandles()

    async def __call__(self) -> ShardMap:
        """The present map."""
        return _MAP(await self._handles.call(self._name, "shard_map"))
