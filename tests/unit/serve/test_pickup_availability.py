"""Where goods can be collected, and when, as customers are told before they order; and that a
placement comes to the same."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain.article import Details
from actors.domain.catalogue import DefineSkus, Said
from actors.domain.ids import catalogue_id
from actors.domain.location_commands import Levels, OpenLocation, ReceiptLine, ReceiveStock, SetLevels
from actors.domain.location_profile import Profile, SetProfile
from actors.domain.sourcing_calendar import WorkDay
from actors.runtime.wire import OK
from serve.availability.endpoints import Availability
from serve.availability.index import AvailabilityIndex
from serve.availability.pickup import PickupOffers
from serve.catalogue.known import KnownSkuCheck
from serve.context import REQUEST_ID
from serve.orders.pickup import Pickups
from serve.orders.places import PlacesOfOrders
from serve.orders.placing import OrderPlacing
from serve.orders.private import PrivateOrders
from serve.orders.schemas import NewOrder
from serve.problems import Problem
from serve.regions import Territory
from serve.requests import Write
from serve.services import Services
from tests.unit.serve.fake_gateway import FakeClock, FakeGateway
from tests.unit.serve.fake_read_model import FakeReadModel
from tests.unit.serve.post_office import coded
from tests.unit.serve.small_cell import SETTINGS, SKUS, order

PORTLAND, SEATTLE, NEWARK, SALEM = "us-st-portland", "us-wh-seattle", "us-wh-newark", "us-st-salem"
AT = {"lat": 45.5, "lon": -122.7, "pickup": "true"}


async def offers(cell, *skus, **more):
    answer = await cell.http.get("/v1/availability", params=[("sku", sku) for sku in skus] + list((AT | more).items()))
    assert answer.status_code == 200, answer.text
    return answer.json()["pickup"]


async def profiled(cell, place, profile):
    await cell.gateway.ask("location", place, SetProfile(profile), command_id=f"{place}{profile}", digest=1)


async def received(cell, place, sku, units):
    receipt = {"reference": "more", "lines": [{"sku": sku, "quantity": units}]}
    assert (await cell.post(f"/v1/locations/{place}/receipts", receipt)).status_code == 200


async def a_store(cell, name, lat, lon):
    place = {"type": "store", "name": name, "city": "", "country": "US", "lat": lat, "lon": lon, "timezone": "UTC"}
    assert (await cell.write("PUT", f"/v1/locations/{name}", place)).status_code == 200


async def collected_at(cell, place, *skus):
    body = order(*((sku, 1) for sku in skus), pickup={"location_id": place})
    del body["ship_to"]
    return await cell.post("/v1/orders", body)


def ms(text):
    return datetime.fromisoformat(text).timestamp() * 1000


# --- what is told -----------------------------------------------------------------------------------------------------
async def test_customers_are_not_told_where_they_can_collect(cell):
    [store] = await offers(cell, "A1")
    assert store == {"location_id": PORTLAND, "distance_km": 3, "collectable": True, "here": ["A1"]}
    [store] = await offers(cell, "A1", "B 2")
    assert (store["collectable"], store["here"], "short" in store) == (True, ["A1"], False)
    [store] = await offers(cell, "A1", "D4")
    assert (store["collectable"], store["here"], store["short"]) == (False, ["A1"], ["D4"])
    # Who does not ask pays for nothing, and is told nothing.
    assert "pickup" not in (await cell.get("/v1/availability", sku="A1", lat=45.5, lon=-122.7)).json()
    assert "pickup" not in (await cell.get("/v1/availability", sku="A1", pickup="false")).json()


async def test_only_the_nearest_store_or_too_many_are_told(cell):
    for number in range(7):
        await a_store(cell, f"us-st-{number}", 45.5 + number, -122.7)
    found = await offers(cell, "A1")
    assert [one["location_id"] for one in found] == ["us-st-0", PORTLAND, "us-st-1", "us-st-2", "us-st-3"]
    assert [one["location_id"] for one in await offers(cell, "A1", limit=2)] == ["us-st-0", PORTLAND]
    assert all(one["collectable"] for one in found)


async def test_an_answer_of_before_is_told_after_something_has_changed(cell):
    assert (await offers(cell, "D4"))[0]["collectable"] is False
    await received(cell, NEWARK, "D4", 1)
    assert (await offers(cell, "D4"))[0]["here"] == []
    assert (await offers(cell, "D4"))[0]["collectable"] is True
    await received(cell, PORTLAND, "D4", 1)
    assert (await offers(cell, "D4"))[0]["here"] == ["D4"]
    await profiled(cell, PORTLAND, Profile(handling_min=30))
    first = (await offers(cell, "D4"))[0]["ready_at"]
    cell.clock.now += 60_000
    assert ms((await offers(cell, "D4"))[0]["ready_at"]) == ms(first) + 60_000


async def test_the_same_skus_in_another_order_are_planned_for_anew_or_told_in_the_first_one_s(cell, monkeypatch):
    assert [one["here"] for one in await offers(cell, "D4", "B 2", "A1")] == [["A1"]]
    await received(cell, PORTLAND, "B 2", 1)
    first = await offers(cell, "B 2", "D4", "A1", "C3")
    monkeypatch.setattr(Pickups, "offer", lambda *_: pytest.fail("planned again"))
    assert first == await offers(cell, "B 2", "D4", "A1", "C3")
    [again] = await offers(cell, "C3", "A1", "B 2", "D4", "A1")
    assert (again["here"], again["short"]) == (["A1", "B 2"], ["D4"])
    assert (first[0]["here"], first[0]["short"]) == (["B 2", "A1"], ["D4"])


async def test_what_lies_where_is_put_together_anew_for_who_asks_for_stores_or_is_told_as_it_was(cell, monkeypatch):
    async def asked(**more):
        query = [("sku", "A1"), ("sku", "B 2"), *(AT | more).items()]
        return (await cell.http.get("/v1/availability", params=query)).json()

    first = await asked()
    with monkeypatch.context() as patched:
        patched.setattr(AvailabilityIndex, "encoded", lambda *_: pytest.fail("made again"))
        assert await asked() == first
    await received(cell, PORTLAND, "A1", 1)
    second = await asked()
    assert [one["available"] for one in second["skus"]] == [154, 60]
    assert "pickup" in second
    assert "pickup" not in await asked(pickup="false")


async def test_what_is_not_out_yet_can_be_collected(cell):
    out_at = cell.clock.now + 3_600_000
    released = datetime.fromtimestamp(out_at / 1000, UTC).isoformat()
    assert (await cell.post("/v1/skus", {"skus": [{"sku": "A1", "released_at": released}]})).status_code == 200
    assert (await offers(cell, "A1", "B 2"))[0]["short"] == ["A1"]
    assert coded(await collected_at(cell, PORTLAND, "A1", "B 2")) == (422, "pickup.not_released")
    cell.clock.now = out_at + 60_000
    assert (await offers(cell, "A1", "B 2"))[0]["collectable"] is True
    assert (await collected_at(cell, PORTLAND, "A1", "B 2")).status_code == 201


async def test_parts_of_a_kit_that_lie_apart_are_not_seen(cell):
    kit = [{"sku": "P", "quantity": 1}, {"sku": "Q", "quantity": 1}]
    skus = [{"sku": "P"}, {"sku": "Q"}, {"sku": "SET", "kit": kit}]
    assert (await cell.post("/v1/skus", {"skus": skus})).status_code == 200
    await received(cell, SEATTLE, "P", 1)
    assert (await offers(cell, "SET"))[0]["short"] == ["SET"]
    # There is no whole set anywhere, and the store gets one all the same.
    await received(cell, NEWARK, "Q", 1)
    assert (await offers(cell, "SET"))[0]["collectable"] is True
    assert (await collected_at(cell, PORTLAND, "SET")).json()["pickup"]["status"] == "coming"


async def test_an_unchanged_answer_is_made_anew_each_time(cell):
    made = [body for _ in range(3) for body in [await cell.http.get("/v1/availability", params={"sku": "A1"} | AT)]]
    assert len({answer.content for answer in made}) == 1
    handler = cell.app._availability.plain.__self__
    assert isinstance(handler, Availability)
    assert len(handler._offers._kept) == 1
    handler._offers._pickups = None
    assert (await offers(cell, "A1"))[0]["collectable"] is True
    # From elsewhere the same store offers the same.
    assert (await offers(cell, "A1", lat=40, lon=-100))[0]["distance_km"] > 1_000


async def test_the_calendar_of_the_store_does_not_count(cell):
    now = datetime.fromtimestamp(cell.clock.now / 1000, UTC)
    week: list[WorkDay | None] = [WorkDay(16 * 60, 18 * 60)] * 7
    await profiled(cell, PORTLAND, Profile(week=tuple(week), handling_min=120))
    at_ms = ms((await offers(cell, "A1"))[0]["ready_at"])
    # It is before the cut-off.
    assert now.hour < 16
    assert (at_ms - cell.clock.now) / 3_600_000 == pytest.approx(2, abs=0.02)
    # Today it does not work any more, or not at all.
    week[now.weekday()] = None
    await profiled(cell, PORTLAND, Profile(week=tuple(week), handling_min=120))
    ready = datetime.fromtimestamp(ms((await offers(cell, "A1"))[0]["ready_at"]) / 1000, UTC)
    assert (ready.date() - now.date()).days == 1
    assert (ready.hour, ready.minute) == (18, 0)
    answer = await collected_at(cell, PORTLAND, "A1")
    assert answer.json()["pickup"]["ready_by"] == ready.isoformat().replace("+00:00", "Z")


async def test_what_is_sent_to_the_store_is_told_to_be_there_at_once(cell):
    await profiled(cell, PORTLAND, Profile(handling_min=60))
    [store] = await offers(cell, "B 2")
    later = (ms(store["ready_at"]) - cell.clock.now) / 3_600_000
    assert store["here"] == []
    assert later > 20


# --- misuse -----------------------------------------------------------------------------------------------------------
async def test_a_wrong_question_is_answered(cell):
    many = [("sku", f"S{number}") for number in range(11)]
    for sent in (
        {"sku": "A1", "pickup": "true"},
        {"sku": "A1", "pickup": "yes", "lat": "1", "lon": "1"},
    ):
        assert coded(await cell.get("/v1/availability", **sent)) == (422, "request.parameter_invalid")
    skus = [{"sku": sku} for _, sku in many]
    assert (await cell.post("/v1/skus", {"skus": skus})).status_code == 200
    asked = await cell.http.get("/v1/availability", params=[*many, *AT.items()])
    assert coded(asked) == (422, "request.parameter_invalid")
    assert coded(await cell.get("/v1/availability", sku="nothing", **AT)) == (422, "sku.unknown")


# --- the same as a placement ------------------------------------------------------------------------------------------
PLACES = (PORTLAND, SALEM, SEATTLE, NEWARK)
PARTS = ("A1", "B 2", "C3")
worlds = st.fixed_dictionaries(
    {
        "stock": st.dictionaries(
            st.tuples(st.sampled_from(PLACES), st.sampled_from(PARTS)), st.integers(1, 3), min_size=5
        ),
        "buffers": st.dictionaries(st.tuples(st.sampled_from(PLACES), st.sampled_from(PARTS)), st.integers(1, 2)),
        "kit": st.lists(st.tuples(st.sampled_from(PARTS), st.integers(1, 2)), max_size=2, unique_by=lambda one: one[0]),
        "asked": st.lists(st.sampled_from(SKUS), min_size=1, max_size=3, unique=True),
        "profiles": st.dictionaries(
            st.sampled_from(PLACES),
            st.builds(
                Profile,
                ships=st.booleans(),
                handling_min=st.sampled_from((0, 90)),
                orders_a_day=st.sampled_from((0, 0, 1)),
                week=st.sampled_from(((), (WorkDay(900, 1000), *[None] * 6), (WorkDay(900, 1000),) * 7)),
            ),
        ),
    }
)


class Bare:
    """The handlers of availability and placement alone: the whole API takes a quarter of a second to make."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.gateway = FakeGateway(self.clock)
        services = Services(SETTINGS, self.gateway, FakeReadModel(self.gateway), self.clock)
        index, territory, private = services.index, Territory(SETTINGS), PrivateOrders(services)
        known = KnownSkuCheck(index, self.gateway, "us", self.clock)
        places = PlacesOfOrders(index, self.gateway, private, self.clock)
        self._placing = OrderPlacing(services, territory, places, known, private)
        self._reading = Availability(index, known, self.clock, PickupOffers(index, Pickups(index, SETTINGS)))

    async def tell(self, kind, name, command) -> None:
        reply = await self.gateway.ask(kind, name, command, command_id=f"{command}", digest=1, creates=False)
        assert reply.status == OK, reply.body

    async def offers(self, skus) -> dict[str, dict]:
        query = urlencode([*(("sku", sku) for sku in skus), *AT.items(), ("channel", "online")]).encode()
        _, body, _ = await self._reading.read({"query_string": query, REQUEST_ID: "r"}, None)
        return {one["location_id"]: one for one in msgspec.json.decode(body)["pickup"]}

    async def placed(self, store, skus) -> dict:
        body = order(*((sku, 1) for sku in skus), pickup={"location_id": store})
        del body["ship_to"]
        sent = msgspec.json.encode(body)
        write = Write("key", sent, 1)
        scope = {REQUEST_ID: "r", "query_string": b""}
        _, told, _ = await self._placing._placed(msgspec.json.decode(sent, type=NewOrder), write, scope)
        return msgspec.json.decode(told)


async def _made(world) -> Bare:
    cell = Bare()
    kit = tuple(world["kit"])
    said = [Said("D4", Details(kit=kit), ["kit"])] if kit else []
    await cell.tell("catalogue", catalogue_id("us"), DefineSkus([(sku, "") for sku in SKUS], said))
    for place, (lat, lon) in zip(PLACES, ((45.5, -122.7), (44.9, -123.0), (47.4, -122.2), (40.7, -74.2)), strict=True):
        kind = "store" if place.startswith("us-st") else "warehouse"
        await cell.tell("location", place, OpenLocation(kind, place, "", "US", lat, lon, "UTC"))
    for (place, sku), units in sorted(world["stock"].items()):
        await cell.tell("location", place, ReceiveStock([ReceiptLine(sku, units)]))
    for (place, sku), units in sorted(world["buffers"].items()):
        await cell.tell("location", place, SetLevels([Levels(sku, buffers={"online": units})]))
    for place, profile in sorted(world["profiles"].items()):
        await cell.tell("location", place, SetProfile(profile))
    return cell


async def _compared(world, store: str) -> None:
    cell = await _made(world)
    told = await cell.offers(world["asked"])
    assert set(told) == {PORTLAND, SALEM}
    offer = told[store]
    if not offer["collectable"]:
        with pytest.raises(Problem) as refused:
            await cell.placed(store, world["asked"])
        assert refused.value.code == "pickup.unavailable"
        return
    placed = await cell.placed(store, world["asked"])
    whole = set(offer["here"]) == set(world["asked"])
    assert placed["pickup"]["status"] == ("locating" if whole else "coming"), (offer, placed)
    assert placed["pickup"].get("ready_by") == offer.get("ready_at")


@settings(max_examples=40, deadline=None)
@given(worlds, st.sampled_from((PORTLAND, SALEM)))
def test_a_store_is_said_to_have_what_a_placement_is_refused_for_or_the_other_way(world, store):
    asyncio.run(_compared(world, store))
