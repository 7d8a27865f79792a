"""A parcel leaves with the wrong customs papers, or its label is paid before anybody sees that
customs would send it back."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

import msgspec
import pytest
from pypdf import PdfReader

from actors.domain.customs import SdrRate
from actors.domain.shipment_commands import Declared
from serve.packing.customs_data import declaration_of
from serve.packing.settings import CarrierAccount
from tests.unit.serve.packing.pack_rig import GOODS, PACKING, SEATTLE, Station
from tests.unit.serve.small_cell import SETTINGS, Cell, furnish

VANCOUVER = {"country": "CA", "postcode": "V5K 0A1", "city": "Vancouver", "lat": 47.4, "lon": -122.2}
BODY = {"carrier": "post", "service": "standard"}
# The cell's clock begins on that day; A1 costs 12.99 USD, 300 SDR 450.00.
RATE = SdrRate("USD", 15_000, date(2026, 1, 1))
LETTERS = (CarrierAccount("post", small_packets=("standard",)),)


async def station_with(**settings):
    packing = msgspec.structs.replace(PACKING, **({"carriers": LETTERS, "sdr": RATE} | settings))
    cell = Cell(msgspec.structs.replace(SETTINGS, packing=packing))
    assert datetime.fromtimestamp(cell.clock.now / 1000, UTC).date() == RATE.on
    await furnish(cell)
    made = Station(cell)
    await made.goods()
    return made


async def customs(station, *lines, service="standard"):
    """(what the papers are, the declaration as text) of a parcel with these goods."""
    _, name = await station.packed(*(lines or (("A1", 3),)), ship_to=VANCOUVER)
    await station.labelled(name, service=service)
    path = f"/v1/shipments/{name}/parcels/1"
    told = (await station.get(f"{path}/customs")).json()
    document = (await station.get(f"{path}/customs.pdf")).content
    return told, "".join(page.extract_text() for page in PdfReader(io.BytesIO(document)).pages)


async def test_a_small_packet_has_the_long_form_or_a_dear_one_the_short(stations):
    station = await stations()
    told, text = await customs(station)
    assert told == {
        "form": "CN22", "why": "small_packet", "invoice": False, "value": {"amount": 3897, "currency": "USD"}, "value_sdr": 2598,
        "rate_on": "2026-01-01",
    }  # fmt: skip
    assert "CN22" in text.replace(" ", "")
    assert "CN23" not in text.replace(" ", "")
    told, text = await customs(station, ("A1", 20))
    assert (told["form"], told["why"], told["invoice"]) == ("CN23", "too_heavy", True)
    # 300 SDR are 30.00 USD.
    told, text = await customs(await stations(sdr=SdrRate("USD", 1_000, RATE.on)))
    assert (told["form"], told["why"], told["value_sdr"]) == ("CN23", "too_dear", 38_970)
    assert "CN23" in text.replace(" ", "")


@pytest.mark.parametrize(
    ("settings", "service", "why"),
    [
        ({"sdr": None}, "standard", "no_rate"),
        ({"sdr": SdrRate("EUR", 11_600, RATE.on)}, "standard", "other_currency"),
        ({"sdr": SdrRate("USD", 15_000, date(2024, 1, 1))}, "standard", "old_rate"),
        ({}, "express", "a_parcel"),
    ],
)
async def test_nobody_can_say_what_it_is_worth_and_the_short_form_goes(stations, settings, service, why):
    told, text = await customs(await stations(**settings), service=service)
    assert (told["form"], told["why"]) == ("CN23", why)
    assert "CN23" in text.replace(" ", "")


async def test_a_declaration_that_customs_send_back_is_paid_for(stations):
    station = await stations(hs_digits={"CA": 10})
    _, name = await station.packed(ship_to=VANCOUVER)
    path = f"/v1/shipments/{name}/parcels/1"
    told = await refused_unpaid(station, name, "customs.article_incomplete", 409)
    assert (told["lacking"], told["hs_digits"]) == ({"A1": ["hs_code"]}, 10)
    assert (await station.write("GET", f"{path}/customs")).json()["code"] == "customs.article_incomplete"


@pytest.mark.parametrize(("weight_g", "code"), [(470, ""), (250, ""), (249, "customs.weights")])
async def test_the_scale_and_the_catalogue_disagree_a_little_and_nothing_can_be_sent(stations, weight_g, code):
    """The goods weigh 300 g by the catalogue, and the region's scales may be 50 g off."""
    station = await stations()
    _, name = await station.opened(ship_to=VANCOUVER)
    path = f"/v1/shipments/{name}/parcels"
    await station.done("POST", path, {"carton": "M"})
    await station.done("POST", f"{path}/1/scans", {"sku": "A1", "quantity": 3})
    await station.done("POST", f"{path}/1/closure", {"weight_g": weight_g, "despite": True})
    if code:
        told = await refused_unpaid(station, name, code, 422)
        assert told["fields"] == ["lines.net_weight_g", "gross_weight_g"]
    else:
        assert (await station.labelled(name))["status"] == "bought"


async def test_words_that_contradict_themselves_are_paid_for(stations):
    station = await stations()
    _, name = await station.packed(ship_to=VANCOUVER)
    told = await refused_unpaid(station, name, "customs.reason_missing", 422, customs={"reason": "other"})
    assert told["fields"] == ["reason_text"]


@pytest.mark.parametrize(
    ("said", "words", "invoice"),
    [
        ({"reason": "gift", "sender_tax_id": "IM0400000017"}, ("Gift", "IM0400000017"), False),
        ({"reason": "other", "reason_text": "spare parts"}, ("Other (spare parts)",), False),
        ({}, ("Sale of goods",), True),
    ],
)
async def test_the_papers_contradict_what_was_declared_with_the_label(stations, said, words, invoice):
    station = await stations(sdr=None)
    _, name = await station.packed(ship_to=VANCOUVER)
    await station.labelled(name, customs=said)
    path = f"/v1/shipments/{name}/parcels/1"
    assert (await station.get(f"{path}/customs")).json()["invoice"] == invoice
    document = (await station.get(f"{path}/customs.pdf")).content
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(document)).pages)
    assert all(word in text for word in words), text
    (sold,) = station.cell.services.carriers["post"]._parcels.values()
    assert sold.shipment.customs.reason == said.get("reason", "sale_of_goods")
    # Given back, nothing is declared yet.
    await station.done("DELETE", f"{path}/label")
    assert (await station.get(f"{path}/customs")).json()["invoice"]


async def test_a_declaration_that_is_too_long_is_asked_for_and_can_never_be_read_again(stations, monkeypatch):
    station = await stations()
    await stocked(station, TRAY)
    name = await sold(station, [line("P1", 1, 900), line("A1", 1, 1_000)], {"P1": 1, "A1": 1})
    with monkeypatch.context() as short:
        short.setattr("actors.domain.customs.LINES_MAX", 1)
        told = await refused_unpaid(station, name, "customs.too_many", 422)
        assert told["lines_max"] == 1
    with monkeypatch.context() as blind:
        # Whatever else is longer than the types allow.
        blind.setattr("serve.packing.labels.declaration_of", longer)
        told = await refused_unpaid(station, name, "carrier.request_invalid", 422)
        assert "$.shipment.customs.lines" in told["detail"]
        assert "Oak" not in told["detail"]
    assert (await station.labelled(name))["status"] == "bought"


def longer(*args):
    made = declaration_of(*args)
    return msgspec.structs.replace(made, lines=made.lines * 150)


# --- papers that are made later
DAY_MS = 86_400_000


async def printed(station, name):
    document = (await station.get(f"/v1/shipments/{name}/parcels/1/customs.pdf")).content
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(document)).pages)


async def test_papers_that_are_printed_later_tell_another_day_or_other_goods_than_the_label(stations):
    station = await stations()
    _, name = await station.packed(ship_to=VANCOUVER)
    await station.labelled(name)
    first = await printed(station, name)
    (sold,) = station.cell.services.carriers["post"]._parcels.values()
    assert (sold.shipment.customs.declared_on, "Date: 2026-01-01" in first) == ("2026-01-01", True)
    station.cell.clock.now += 5 * DAY_MS
    other = GOODS[0] | {"description": "Plastic coaster", "hs_code": "392410", "weight_g": 90}
    await station.done("POST", "/v1/skus", {"skus": [other]})
    assert await printed(station, name) == first
    # Given back, it is declared anew.
    await station.done("DELETE", f"/v1/shipments/{name}/parcels/1/label")
    again = await printed(station, name)
    for text in ("Date: 2026-01-06", "Plastic coaster", "0.270 kg"):
        assert text in again
    assert "Postage" in first
    assert "Postage" not in again


async def test_a_label_from_before_its_goods_were_kept_is_declared_on_the_day_of_printing(stations):
    station = await stations()
    _, name = await station.packed(ship_to=VANCOUVER)
    await station.labelled(name, customs={"reason": "gift"})
    first = await printed(station, name)
    (state, _) = station.cell.gateway.entities["shipment", name]
    for kept in (Declared("gift"), None):
        state.parcels[0].label.declared = kept
        station.cell.clock.now += DAY_MS
        later = await printed(station, name)
        assert "Date: 2026-01-01" in later
        assert (later == first) == (kept is not None)


async def test_an_evening_in_america_is_declared_as_tomorrow(stations):
    station = await stations(timezone="America/Chicago")
    station.cell.clock.now += DAY_MS - (station.cell.clock.now % DAY_MS) + 3 * 3_600_000
    _, name = await station.packed(ship_to=VANCOUVER)
    assert "Date: 2026-01-01" in await printed(station, name)
    await station.labelled(name)
    (sold,) = station.cell.services.carriers["post"]._parcels.values()
    assert sold.shipment.customs.declared_on == "2026-01-01"


# --- what it is worth
TRAY = {
    "sku": "P1",
    "description": "Oak tray",
    "weight_g": 300,
    "hs_code": "441990",
    "origin_country": "PT",
    "unit_cost": {"amount": 200, "currency": "USD"},
}
LID = {
    "sku": "P2",
    "description": "Oak lid",
    "weight_g": 100,
    "hs_code": "441990",
    "origin_country": "PT",
    "unit_cost": {"amount": 100, "currency": "USD"},
}
KIT = {"sku": "K", "description": "Set", "kit": [{"sku": "P1", "quantity": 1}, {"sku": "P2", "quantity": 1}]}


def line(sku, quantity, amount, **more):
    return {"sku": sku, "quantity": quantity, "unit_price": {"amount": amount, "currency": "USD"}} | more


async def stocked(station, *articles, units=10):
    await station.done("POST", "/v1/skus", {"skus": list(articles)})
    lines = [{"sku": one["sku"], "quantity": units} for one in articles if "kit" not in one]
    if lines:
        await station.done("POST", f"/v1/locations/{SEATTLE}/receipts", {"lines": lines})


async def sold(station, lines, *parcels):
    """The shipment of an order with these lines, in parcels with these goods."""
    _, name = await station.opened(ship_to=VANCOUVER, lines=lines)
    await packed(station, name, *parcels)
    return name


async def packed(station, name, *parcels):
    path = f"/v1/shipments/{name}/parcels"
    for number, goods in enumerate(parcels, 1):
        await station.done("POST", path, {"carton": "M"})
        for sku, units in goods.items():
            await station.done("POST", f"{path}/{number}/scans", {"sku": sku, "quantity": units})
        await station.done("POST", f"{path}/{number}/closure", {"weight_g": 1_500, "despite": True})


async def worth(station, name, number=1):
    """(value, form) as it is shown, which the carrier is told as well."""
    await station.labelled(name, number)
    told = (await station.get(f"/v1/shipments/{name}/parcels/{number}/customs")).json()
    parcel = list(station.cell.services.carriers["post"]._parcels.values())[-1]
    lines = parcel.shipment.customs.lines
    assert sum(one.value.amount for one in lines) == told["value"]["amount"]
    return told["value"]["amount"], told["form"]


async def test_a_sku_in_two_lines_is_declared_by_the_cheaper(stations):
    station = await stations()
    name = await sold(station, [line("A1", 1, 1_299), line("A1", 9, 9_999)], {"A1": 10})
    assert await worth(station, name) == (91_290, "CN23")


async def test_a_kit_is_declared_for_what_its_parts_cost(stations):
    station = await stations()
    await stocked(station, TRAY, LID)
    await stocked(station, KIT)
    name = await sold(station, [line("K", 1, 50_000), line("A1", 1, 1_000)], {"P1": 1, "P2": 1, "A1": 1})
    assert await worth(station, name) == (51_000, "CN23")
    # In two parcels none is told less; the tray costs twice what the lid does.
    name = await sold(station, [line("K", 1, 50_000)], {"P1": 1}, {"P2": 1})
    assert [(await worth(station, name, number))[0] for number in (1, 2)] == [33_334, 16_667]


async def test_a_kit_that_is_another_by_now_makes_its_parts_worthless(stations):
    station = await stations()
    await stocked(station, TRAY, LID)
    await stocked(station, KIT)
    order_id, name = await station.opened(ship_to=VANCOUVER, lines=[line("K", 1, 50_000)])
    await station.done("POST", "/v1/skus", {"skus": [KIT | {"kit": [{"sku": "A1", "quantity": 2}]}]})
    kits = (await station.get(f"/v1/orders/{order_id}")).json()["kits"]
    assert kits == {"K": [{"sku": "P1", "quantity": 1}, {"sku": "P2", "quantity": 1}]}
    await packed(station, name, {"P1": 1, "P2": 1})
    assert (await worth(station, name))[0] == 50_000


async def test_what_stands_in_is_declared_for_what_it_costs(stations):
    station = await stations()
    await stocked(station, TRAY)
    lines = [line("D4", 2, 40_000, substitutes=["P1"]), line("A1", 1, 1_000)]
    name = await sold(station, lines, {"P1": 2, "A1": 1})
    assert await worth(station, name) == (81_000, "CN23")
    slip = (await station.get(f"/v1/shipments/{name}/parcels/1/slip.pdf", prices=True)).content
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(slip)).pages)
    assert text.count("400.00 USD") == text.count("10.00 USD") == 1, text


async def test_what_was_free_is_declared_as_worth_nothing_or_in_a_currency_that_nobody_can_add(stations):
    station = await stations()
    await stocked(station, TRAY)
    name = await sold(station, [line("P1", 2, 0), line("A1", 1, 1_000)], {"P1": 2, "A1": 1})
    assert await worth(station, name) == (1_400, "CN22")
    cad = TRAY | {"unit_cost": {"amount": 270, "currency": "CAD"}}
    await station.done("POST", "/v1/skus", {"skus": [cad]})
    name = await sold(station, [line("P1", 2, 0), line("A1", 1, 1_000)], {"P1": 2, "A1": 1})
    told = await refused_unpaid(station, name, "customs.currencies", 422, sold=1)
    assert told["currencies"] == ["CAD", "USD"]
    assert told["skus"] == {"A1": "USD", "P1": "CAD"}
    # By itself it can be declared; and where others of it were paid for, it is worth as much.
    name = await sold(station, [line("P1", 2, 0), line("A1", 1, 1_000)], {"P1": 2}, {"A1": 1})
    assert (await worth(station, name))[0] == 540
    name = await sold(station, [line("P1", 1, 0), line("P1", 1, 3_000)], {"P1": 2})
    assert (await worth(station, name))[0] == 6_000


async def test_a_slip_shows_one_of_two_prices(stations):
    station = await stations()
    name = await sold(station, [line("A1", 1, 1_299), line("A1", 9, 9_999)], {"A1": 10})
    slip = (await station.get(f"/v1/shipments/{name}/parcels/1/slip.pdf", prices=True)).content
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(slip)).pages)
    assert "91.29 USD" in text, text


async def test_a_label_that_may_be_sold_is_never_fetched_because_the_catalogue_lacks_something_by_now(stations):
    station = await stations()
    _, name = await station.packed(ship_to=VANCOUVER)
    path, carrier = f"/v1/shipments/{name}/parcels/1/label", station.cell.services.carriers["post"]
    carrier.mute = True
    assert (await station.write("POST", path, BODY)).json()["code"] == "carrier.timed_out"
    carrier.mute = False
    await station.done("POST", "/v1/skus", {"skus": [GOODS[0] | {"hs_code": ""}]})
    # Another one would have to be declared anew.
    assert (await station.write("POST", path, BODY | {"service": "express"})).json()[
        "code"
    ] == "customs.article_incomplete"
    assert (await station.labelled(name))["status"] == "bought"
    assert len(carrier._parcels) == 1
    assert "441990" in await printed(station, name)


async def refused_unpaid(station, name, code, status, *, sold=0, **more):
    """sold: labels before this one."""
    path = f"/v1/shipments/{name}/parcels/1/label"
    told = await station.refused(code, "POST", path, BODY | more, status)
    assert len(station.cell.services.carriers["post"]._parcels) == sold
    assert (await station.read(name))["parcels"][0]["label"] is None
    return told


@pytest.fixture
async def stations():
    made = []

    async def make(**settings):
        made.append(await station_with(**settings))
        return made[-1]

    yield make
    for one in made:
        await one.cell.http.aclose()
