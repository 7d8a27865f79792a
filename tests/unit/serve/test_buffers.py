"""Units that are kept back from a channel: nobody of that channel is told of them, offered them or given them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain.allocation import Place
from actors.domain.article import Details, encoded
from actors.domain.location_commands import Allocate
from actors.domain.location_state import Stock
from actors.domain.rows import LocationRow, SkuRow, StockRow
from serve.availability.index import AvailabilityIndex

CHANNELS = ("online", "store", "marketplace")
SEATTLE, PORTLAND = "us-wh-seattle", "us-st-portland"


def place(name: str, lat: float) -> LocationRow:
    return LocationRow(name, 1, "warehouse", name, "", "US", lat, 0.0, "UTC")


@pytest.fixture
def index() -> AvailabilityIndex:
    made = AvailabilityIndex("us", 0.0, 0.0)
    made.rows([place("us-a", 0.0), place("us-b", 1.0)])
    return made


def read(index, sku, channel=""):
    return msgspec.json.decode(index.encoded(sku, index.places.seen_from(0, 0), 10, channel))


def shown(index, sku, channel=""):
    view = read(index, sku, channel)
    return view["available"], {at["location_id"]: at["available"] for at in view["locations"]}


def test_a_channel_sees_what_is_not_kept_back_from_it(index):
    index.rows([StockRow("us-a", "x", 10, 0, 2, buffers="online:3,store:9"), StockRow("us-b", "x", 4, 0, 0)])
    assert shown(index, "x") == (12, {"us-a": 8, "us-b": 4})
    assert shown(index, "x", "marketplace") == (12, {"us-a": 8, "us-b": 4})
    assert shown(index, "x", "online") == (9, {"us-a": 5, "us-b": 4})
    assert shown(index, "x", "store") == (4, {"us-b": 4})


def test_an_answer_is_not_kept_past_a_change_of_buffers_alone(index):
    index.rows([StockRow("us-a", "x", 10, 0, 0)])
    assert shown(index, "x", "online") == (10, {"us-a": 10})
    index.keep(b"q", ["x"], b"answer")
    index.rows([StockRow("us-a", "x", 10, 0, 0, buffers="online:4")])
    assert index.kept(b"q") is None
    assert shown(index, "x", "online") == (6, {"us-a": 6})
    index.rows([StockRow("us-a", "x", 10, 0, 0)])
    assert shown(index, "x", "online") == (10, {"us-a": 10})
    assert index._kept == {}


def test_a_kit_is_offered_as_far_as_its_parts_are(index):
    kit = encoded(Details(kit=(("x", 2), ("y", 1))))
    index.rows([StockRow("us-a", "x", 11, 0, 0, buffers="online:2"), StockRow("us-a", "y", 9, 0, 0), SkuRow("us-catalogue", "set", "", 1, kit)])  # fmt: skip
    assert shown(index, "set") == (5, {"us-a": 5})
    assert shown(index, "set", "online") == (4, {"us-a": 4})
    # As many kits as before for all, one more for the channel.
    index.rows([StockRow("us-a", "x", 11, 0, 0, buffers="online:1")])
    assert shown(index, "set", "online") == (5, {"us-a": 5})
    index.rows([StockRow("us-a", "x", 10, 0, 0, buffers="online:1")])
    assert shown(index, "set", "online") == (4, {"us-a": 4})
    assert index.buffered(["set"], "online")
    assert not index.buffered(["set"], "store")


def test_a_place_that_keeps_all_back_is_told_to_have_some(index):
    index.rows([StockRow("us-a", "x", 5, 0, 0, buffers="online:5"), StockRow("us-b", "x", 5, 0, 0)])
    seen = index.places.seen_from(0, 0)
    assert index.candidates({"x": 5}, seen, "online") == [Place("us-b", {"x": 5}), Place("us-a", {})]
    assert index.candidates({"x": 5}, seen, "store") == [Place("us-a", {"x": 5}), Place("us-b", {"x": 5})]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["us-a", "us-b"]), st.integers(0, 9), st.integers(0, 4),
            st.dictionaries(st.sampled_from(CHANNELS), st.integers(1, 6)),
        ),
        max_size=8,
    )
)  # fmt: skip
def test_the_index_says_what_the_location_would_give(changes):
    index, truth = AvailabilityIndex("us", 0.0, 0.0), {}
    index.rows([place("us-a", 0.0), place("us-b", 1.0)])
    for name, on_hand, safety, buffers in changes:
        kept = tuple(sorted(buffers.items()))
        truth[name] = Stock(on_hand, safety_stock=safety, buffers=kept)
        text = ",".join(f"{channel}:{units}" for channel, units in kept)
        index.rows([StockRow(name, "x", on_hand, 0, safety, buffers=text)])
        for channel in ("", *CHANNELS):
            right = {at: stock.available_to(channel) for at, stock in truth.items() if stock.available_to(channel)}
            assert shown(index, "x", channel) == (sum(right.values()), right)
        for channel in CHANNELS:
            wanted = any(channel in dict(stock.buffers) for stock in truth.values())
            assert index.buffered(["x"], channel) == wanted


# --- the whole way --------------------------------------------------------------------------------------------------
async def keep_back(cell, units, channel="online"):
    levels = {"levels": [{"sku": "A1", "buffers": {channel: units}}]}
    assert (await cell.write("PUT", f"/v1/locations/{SEATTLE}/levels", levels)).status_code == 200


def allocations(cell):
    return [message.command for _, _, message in cell.told if type(message.command) is Allocate]


@pytest.fixture
async def watched(cell, monkeypatch):
    """The cell, and every message that an entity sent to another."""
    told, run = [], cell.gateway.run_outbox

    def watching():
        told.extend(cell.gateway.outbox)
        run()

    monkeypatch.setattr(cell.gateway, "run_outbox", watching)
    monkeypatch.setattr(cell, "told", told, raising=False)
    return cell


async def test_an_order_is_served_from_where_nothing_is_kept_back_from_its_channel(watched):
    await keep_back(watched, 99)
    placed = await watched.placed(("A1", 3))
    assert [one["location_id"] for one in placed["fulfilments"]] == [PORTLAND]
    other = await watched.placed(("A1", 3), channel="marketplace")
    assert [one["location_id"] for one in other["fulfilments"]] == [SEATTLE]
    assert [command.channel for command in allocations(watched)] == ["online", ""]


async def test_orders_say_their_channel_only_where_somebody_keeps_units_back(watched):
    await keep_back(watched, 1, "store")
    await watched.placed(("A1", 1))
    await watched.placed(("B 2", 1), channel="store")
    assert [command.channel for command in allocations(watched)] == ["", ""]


async def test_a_location_keeps_back_what_a_late_index_promised(watched):
    watched.gateway.feeding = False
    await keep_back(watched, 99)
    watched.gateway.feeding = True
    # This replica has heard of a buffer somewhere else only.
    watched.services.index.rows([StockRow("us-wh-newark", "A1", 50, 0, 0, buffers="online:50")])
    placed = await watched.placed(("A1", 90))
    at = (await watched.get(f"/v1/locations/{SEATTLE}/stock/A1")).json()["stock"]
    assert at["allocated"] == 1
    assert sum(line["quantity"] for line in placed["backordered"]) > 0


async def test_who_waits_in_line_gets_what_is_kept_back_from_the_channel(watched):
    await keep_back(watched, 99)
    placed = await watched.placed(("A1", 60))
    assert placed["status"] == "partly_allocated"
    path = f"/v1/locations/{SEATTLE}/stock/A1"
    assert (await watched.get(path)).json()["stock"]["allocated"] == 1
    await keep_back(watched, 0)
    assert (await watched.get(path)).json()["stock"]["allocated"] == 7


async def test_availability_may_be_asked_for_a_channel(cell):
    await keep_back(cell, 99)
    for channel, units in (("online", 54), ("store", 153)):
        view = (await cell.get("/v1/availability", sku="A1", channel=channel)).json()["skus"][0]
        assert view["available"] == units
    assert (await cell.get("/v1/availability", sku="A1")).json()["skus"][0]["available"] == 153
    wrong = await cell.get("/v1/availability", sku="A1", channel="phone")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "request.parameter_invalid")
