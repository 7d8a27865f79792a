"""Steps of an inbound that its tests have in common."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.domain import gs1, ids
from actors.domain.errors import Refused
from actors.domain.inbound import INBOUND as KIND
from actors.domain.inbound_commands import (
    AnnouncedLine,
    AnnouncedPackage,
    AnnounceInbound,
    PackedGoods,
    ReceivedGoods,
    ReceivedPackage,
    ReceiveGoods,
)
from actors.domain.inbound_views import InboundView, ViewInbound
from tests.unit.domain.transfer_world import NOW_MS, SEATTLE, TOMORROW_MS, World

INBOUND = ids.inbound_id("us", NOW_MS, "key-1")
ONE, TWO = gs1.sscc("9521234", 1), gs1.sscc("9521234", 2)


def announce(*lines: tuple[str, int], packages: Any = (), **more: Any) -> AnnounceInbound:
    named = [AnnouncedLine(10 * n, sku, units) for n, (sku, units) in enumerate(lines or [("a", 10)], 1)]
    return AnnounceInbound(SEATTLE, TOMORROW_MS, named, list(packages), **more)


def package(sscc: str, *goods: PackedGoods) -> AnnouncedPackage:
    return AnnouncedPackage(sscc, list(goods) or [PackedGoods("a", 4)])


def by_line(*goods: tuple[str, int], **more: Any) -> ReceiveGoods:
    return ReceiveGoods(lines=[ReceivedGoods(sku, units) for sku, units in goods], **more)


def by_package(*names: str, **more: Any) -> ReceiveGoods:
    return ReceiveGoods([ReceivedPackage(name) for name in names], **more)


def announced(*lines: tuple[str, int], world: World | None = None, **more: Any) -> World:
    world = world or World()
    ask(world, announce(*lines, **more))
    return world


def ask(world: World, command: Any) -> InboundView:
    world.do("inbound", INBOUND, command)
    world.settle()
    return view(world)


def view(world: World) -> InboundView:
    state, version = world.entities["inbound", INBOUND]
    found = KIND.view(state, ViewInbound(INBOUND), version)
    assert isinstance(found, InboundView)
    return found


def refused(world: World, command: Any) -> str:
    before = world.entities.get(("inbound", INBOUND), (None, 0))[1]
    with pytest.raises(Refused) as error:
        world.do("inbound", INBOUND, command)
    assert world.entities.get(("inbound", INBOUND), (None, 0))[1] == before
    return error.value.body.code


def stock(world: World, sku: str = "a") -> tuple[int, int, int]:
    there = world.place(SEATTLE).stock.get(sku)
    return (there.on_hand, there.damaged, there.quality_hold) if there else (0, 0, 0)


def expected(world: World) -> dict[str, int]:
    return world.expected(SEATTLE, INBOUND)


def line(world: World, sku: str = "a") -> dict[str, Any]:
    (found,) = [one for one in view(world).lines if one.sku == sku]
    return msgspec.structs.asdict(found)
