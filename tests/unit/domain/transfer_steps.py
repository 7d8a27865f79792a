"""Steps of a transfer that its tests have in common."""

from __future__ import annotations

from typing import Any

import pytest

from actors.domain import gs1, ids
from actors.domain.errors import Refused
from actors.domain.location_commands import ReceiptLine
from actors.domain.transfer_commands import (
    DispatchPackages,
    StartPicking,
)
from tests.unit.domain.transfer_world import (
    SEATTLE,
    TRANSFER,
    World,
    package,
    request,
)

APPROVAL = ids.approval_of(TRANSFER)
MIA, TOM = ids.account_id("us", b"m" * 16), ids.account_id("us", b"t" * 16)
SSCC = gs1.sscc("9521234", 42)


def furnished(**units: int) -> World:
    world = World()
    world.receive(SEATTLE, *(ReceiptLine(sku, n) for sku, n in (units or {"a": 100}).items()))
    return world


def picking(*lines: tuple[str, int], world: World | None = None, **more: Any) -> World:
    world = world or furnished()
    world.ask(request(*lines, **more))
    world.ask(StartPicking())
    return world


def on_the_road(*lines: tuple[str, int], world: World | None = None, **more: Any) -> World:
    world = picking(*lines, world=world, **more)
    world.ask(DispatchPackages([package(*(lines or (("a", 10),)))]))
    return world


def refused(world: World, command: Any, transfer_id: str = TRANSFER) -> str:
    before = world.entities.get(("transfer", transfer_id), (None, 0))[1]
    with pytest.raises(Refused) as error:
        world.do("transfer", transfer_id, command)
    assert world.entities.get(("transfer", transfer_id), (None, 0))[1] == before
    return error.value.body.code


def counts(world: World, place: str, sku: str = "a") -> tuple[int, int]:
    stock = world.place(place).stock.get(sku)
    return (stock.on_hand, stock.allocated) if stock else (0, 0)
