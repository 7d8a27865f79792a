"""How a gateway reaches a host: by its door when it can, through Ray when it must. Ray itself is not started here."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from actors import ray_gateway
from actors.link import HostDoor
from actors.ray_gateway import HostAddress, HostTransport
from actors.runtime.errors import HostUnreachable

HERE = "this machine"


class Handles:
    """Stands for Ray: one host, at `address`. `calls`: the methods that were called on it."""

    def __init__(self, path: Path, node_id: str = HERE) -> None:
        self.address = msgspec.msgpack.encode(HostAddress(node_id, str(path)))
        self.calls: list[str] = []
        self.gone = False

    async def call(self, name: str, method: str, *args: object) -> bytes:
        self.calls.append(method)
        if self.gone:
            raise HostUnreachable(name)
        return self.address if method == "address" else b"through Ray"

    def forget(self, name: str) -> None:
        pass


class Callee:
    async def call(self, payload: bytes) -> bytes:
        return b"by the door"

    async def listen(self, gateway_id: str, cursor: int, live: bool) -> bytes:
        return b""


@pytest.fixture(autouse=True)
def on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(get_node_id=lambda: HERE)
    monkeypatch.setattr(ray_gateway.ray, "get_runtime_context", lambda: context)
    monkeypatch.setattr(ray_gateway, "CONNECT_TIMEOUT_S", 60.0)


async def test_a_host_on_another_machine_is_never_asked_for_at_a_door_of_this_one(tmp_path: Path):
    handles = Handles(tmp_path / "door", "another machine")
    transport = HostTransport(handles)
    assert [await transport.call("us/host-0", b"") for _ in range(2)] == [b"through Ray"] * 2
    assert handles.calls == ["address", "call", "call"]


async def test_a_host_that_is_well_is_not_given_up_because_its_door_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "door"
    handles = Handles(path)
    transport = HostTransport(handles)
    assert await transport.call("us/host-0", b"") == b"through Ray"
    assert await transport.call("us/host-0", b"") == b"through Ray"
    assert handles.calls == ["address", "call", "call"]  # the door is not tried at every call
    door = HostDoor(path, Callee())
    await door.open()
    monkeypatch.setattr(ray_gateway, "DOOR_PAUSE_S", 0.0)
    transport._far["us/host-0"] = 0.0  # as if the pause were over
    assert await transport.call("us/host-0", b"") == b"by the door"
    await door.close()


async def test_where_a_host_is_is_asked_anew_when_ray_lost_it(tmp_path: Path):
    handles = Handles(tmp_path / "door", "another machine")
    transport = HostTransport(handles)
    await transport.call("us/host-0", b"")
    handles.gone = True
    with pytest.raises(HostUnreachable):
        await transport.call("us/host-0", b"")
    handles.gone = False
    await transport.call("us/host-0", b"")
    assert handles.calls == ["address", "call", "call", "address", "call"]
