"""A parcel leaves with the wrong customs papers, or its label is paid before anybody sees that customs would send it back."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

import msgspec
import pytest
from pypdf import PdfReader

from actors.domain.customs import SdrRate
from serve.packing.settings import CarrierAccount
from tests.unit.serve.packing.pack_rig import PACKING, Station
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


async def refused_unpaid(station, name, code, status, **more):
    path = f"/v1/shipments/{name}/parcels/1/label"
    told = await station.refused(code, "POST", path, BODY | more, status)
    assert not station.cell.services.carriers["post"]._parcels
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
