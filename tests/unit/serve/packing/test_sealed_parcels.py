"""Who a parcel goes to: on its label and papers, and nowhere else in the clear; nowhere at all once the person is
erased. And who may do what at a station."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from actors.domain.data_key import DestroyKey, Restrict
from serve.keys.envelope import key_of
from tests.unit.serve.packing.pack_rig import DOCK, SEATTLE, TO_MIA, Station, guarded_station
from tests.unit.serve.post_office import MIA, bearer, joined
from tests.unit.serve.small_cell import order

# Of digits or letters alone no fewer: five come up by chance in a digest, or in what is sealed.
PLANTED = ("quillfeather", "ballardtown", "larkspur", "2065550188", "alder row", "hollowbrook", "97209-3308")


@pytest.fixture
async def station(tmp_path, monkeypatch):
    async with guarded_station(tmp_path, monkeypatch) as made:
        yield made


def kept(cell):
    """Everything that lies anywhere of the cell, in small letters."""
    gateway = cell.gateway
    rows = [str(row) for row in gateway.stock_rows.values()]
    everything = (
        gateway.entities, gateway.remembered, gateway.events, gateway.orders, gateway.ledger, gateway.audited, gateway.calls, rows,
    )  # fmt: skip
    return repr(everything).lower()


def text_of(document):
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(document)).pages)


async def to_mia(station, *lines):
    order_id, name = await station.packed(*lines, ship_to=TO_MIA)
    await station.labelled(name)
    return order_id, name


def order_key(station, order_id):
    state, _ = station.cell.gateway.entities["order", order_id]
    return key_of(state.sealed)


async def change_key(station, key_id, command):
    await station.cell.gateway.ask("data_key", key_id, command, command_id=f"change {key_id} {command}", digest=0)
    station.cell.services.data_keys._opened.clear()


async def test_a_name_lies_somewhere_in_the_clear(station):
    _, name = await to_mia(station)
    await station.done("POST", f"{DOCK}/manifests", status=201)
    body = {
        "location_id": SEATTLE, "reason": "sample", "lines": [{"sku": "A1", "quantity": 1}], "customer_ref": "loyal-quillfeather",
        "ship_to": {"name": "Hollowbrook", "street": ["4 Alder Row"], "city": "Portland", "postcode": "97209-3308", "country": "US"},
    }  # fmt: skip
    manual = (await station.done("POST", "/v1/manual-shipments", body, 201))["shipment_id"]
    await station.fill(manual, ("A1", 1))
    await station.labelled(manual)
    lying = kept(station.cell)
    for text in PLANTED:
        assert text not in lying, text
    label = text_of((await station.get(f"/v1/shipments/{name}/parcels/1/label")).content)
    assert "Mia Quillfeather" in label
    assert "12 Larkspur Close" in label
    assert "4 Alder Row" in text_of((await station.get(f"/v1/shipments/{manual}/parcels/1/label")).content)
    assert "Mia Quillfeather" in text_of((await station.get(f"/v1/shipments/{name}/parcels/1/slip.pdf")).content)


async def test_a_presents_words_are_kept_and_printed_nowhere_or_its_price_is(station):
    terms = {"gift": {"wrap": True, "message": "Happy birthday, dear Mia"}}
    _, name = await station.packed(ship_to=TO_MIA, terms=terms)
    path = f"/v1/shipments/{name}/parcels/1/slip.pdf"
    for asked in ({}, {"prices": True}):
        slip = text_of((await station.get(path, **asked)).content)
        assert "Happy birthday, dear Mia" in slip
        assert "12.99" not in slip
    # Nor are they for the carrier.
    await station.labelled(name)
    (label,) = station.cell.services.carriers["post"]._parcels.values()
    assert "birthday" not in repr(label)
    # Without words it is a present all the same; what is none has its price, and no words.
    plain: list[dict] = [{"gift": {}}, {"gift": {"wrap": False}}, {"gift": {"wrap": True}}]
    for terms, price in (*((one, False) for one in plain), ({"handling": ["fragile"]}, True)):
        _, name = await station.packed(ship_to=TO_MIA, terms=terms)
        slip = text_of((await station.get(f"/v1/shipments/{name}/parcels/1/slip.pdf", prices=True)).content)
        assert ("12.99" in slip) == price
        assert "Message" not in slip


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("+1 (206) 555-01.88", "+12065550188"),
        ("+1 206 555 0188 x12", ""),
        ("+12065550188/+12065550189", ""),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("206 555 0188", ""),
    ],
)
async def test_a_carrier_calls_somebody_else(station, said, told):
    _, name = await station.packed(ship_to=TO_MIA | {"phone": said})
    await station.labelled(name)
    (label,) = station.cell.services.carriers["post"]._parcels.values()
    assert label.shipment.recipient.phone == told


async def test_a_shipment_tells_staff_who_gets_it(station):
    order_id, name = await to_mia(station)
    told = [
        (await station.get(path)).text.lower()
        for path in (f"/v1/shipments/{name}", "/v1/shipments", f"/v1/orders/{order_id}/shipments", DOCK)
    ]
    for text in PLANTED:
        assert text not in "".join(told)


async def test_a_look_at_a_label_is_not_written_down(station):
    _, name = await to_mia(station)
    for what in ("label", "slip.pdf"):
        await station.get(f"/v1/shipments/{name}/parcels/1/{what}")
    seen = [line.act.action for line in station.cell.gateway.audited]
    assert "shipment.read_label" in seen
    assert "shipment.read_slip" in seen


async def test_a_label_outlives_the_person(station):
    order_id, name = await to_mia(station)
    path = f"/v1/shipments/{name}/parcels/1"
    await change_key(station, order_key(station, order_id), DestroyKey())
    for what in ("label", "slip.pdf"):
        await station.refused("shipment.person_erased", "GET", f"{path}/{what}")
    # What goes out without a name still can be looked at.
    assert (await station.get(f"{path}/sscc-label")).content.startswith(b"%PDF")
    assert (await station.read(name))["status"] == "packed"


async def test_what_is_restricted_is_printed(station):
    order_id, name = await to_mia(station)
    await change_key(station, order_key(station, order_id), Restrict(True))
    await station.refused("shipment.person_restricted", "GET", f"/v1/shipments/{name}/parcels/1/label")


async def test_a_parcel_goes_to_nobody(station):
    _, name = await station.packed()
    answer = await station.write(
        "POST", f"/v1/shipments/{name}/parcels/1/label", {"carrier": "post", "service": "standard"}
    )
    assert answer.json()["code"] == "shipment.address_incomplete"
    assert answer.json()["missing"] == ["recipient", "street"]
    # What it would cost can be said all the same.
    assert (await station.get(f"/v1/shipments/{name}/parcels/1/quotes")).json()["quotes"]


async def test_somebody_of_another_place_packs(station):
    order_id, name = await station.opened()
    elsewhere = Station(station.cell, **station.cell.of_role("fulfilment", locs=("us-st-portland",)))
    here = Station(station.cell, **station.cell.of_role("associate", locs=(SEATTLE,)))
    path = f"/v1/shipments/{name}"
    await elsewhere.refused("shipment.location_forbidden", "POST", f"{path}/parcels", {"carton": "M"}, 403)
    await elsewhere.refused("shipment.location_forbidden", "GET", path, status=403)
    await elsewhere.refused(
        "shipment.location_forbidden", "POST", "/v1/shipments", {"fulfilment_id": f"{order_id}.1"}, 403
    )
    await elsewhere.refused("auth.location_forbidden", "POST", f"{DOCK}/manifests", status=403)
    await here.done("POST", f"{path}/parcels", {"carton": "M"})


async def test_a_store_elsewhere_asks_the_carrier_where_a_parcel_goes(station):
    order_id, _ = await to_mia(station)
    path = f"/v1/orders/{order_id}/shipments"
    told = []
    for places in ((), (SEATTLE,), ("us-st-portland",)):
        reader = Station(station.cell, **station.cell.of_role("associate", locs=places))
        told.append((await reader.get(path)).json())
    whole, here, elsewhere = told
    (parcel,) = whole["fulfilments"][0]["parcels"]
    assert here == whole
    assert "withheld" not in whole
    assert (parcel["carrier"], bool(parcel["tracking_number"])) == ("post", True)
    # What is in it and how far it is, is told of any order.
    bare = whole["fulfilments"][0] | {"parcels": [parcel | {"carrier": "", "tracking_number": ""}]}
    assert elsewhere == {"order_id": order_id, "fulfilments": [bare], "withheld": "elsewhere"}


async def test_an_associate_ships_what_nobody_ordered(station):
    body = {
        "location_id": SEATTLE, "reason": "sample", "lines": [{"sku": "A1", "quantity": 1}],
        "ship_to": {"name": "Quill", "street": ["4 Alder Row"], "city": "Portland", "country": "US"},
    }  # fmt: skip
    associate = Station(station.cell, **station.cell.of_role("associate"))
    await associate.refused("auth.forbidden", "POST", "/v1/manual-shipments", body, 403)
    staff = Station(station.cell, **station.cell.of_role("fulfilment"))
    await staff.done("POST", "/v1/manual-shipments", body, 201)
    (line,) = [one for one in station.cell.gateway.audited if one.act.action == "shipment.open_manual"]
    assert (line.act.location_id, line.act.why, line.act.changes) == (SEATTLE, "sample", {"A1.units": (None, 1)})


async def test_a_weight_that_somebody_vouches_for_is_not_written_down(station):
    _, name = await station.opened()
    path = f"/v1/shipments/{name}/parcels"
    await station.done("POST", path, {"carton": "M"})
    await station.done("POST", f"{path}/1/scans", {"sku": "A1", "quantity": 3})
    await station.done("POST", f"{path}/1/closure", {"weight_g": 900, "despite": True})
    (line,) = [one for one in station.cell.gateway.audited if one.act.action == "shipment.close_parcel"]
    assert line.act.changes == {"parcel_1.weight_g": (500, 900)}


async def test_a_customer_sees_the_parcels_of_others(station):
    order_id, _ = await to_mia(station)
    mia = await joined(station.cell, MIA)
    answer = await station.cell.http.get(f"/v1/orders/{order_id}/shipments", headers=bearer(mia))
    assert (answer.status_code, answer.json()["code"]) == (404, "order.unknown")
    body = order(("A1", 2), ship_to=TO_MIA, customer={"country": "US"})
    placed = await station.cell.post("/v1/orders", body, **bearer(mia))
    assert placed.status_code == 201, placed.text
    own = placed.json()["order_id"]
    await station.done("POST", f"/v1/orders/{own}/updates", {"update": "start_picking"})
    name = (await station.done("POST", "/v1/shipments", {"fulfilment_id": f"{own}.1"}, 201))["shipment_id"]
    await station.fill(name, ("A1", 2))
    label = await station.labelled(name)
    answer = await station.cell.http.get(f"/v1/orders/{own}/shipments", headers=bearer(mia))
    assert answer.status_code == 200, answer.text
    assert answer.json()["fulfilments"][0]["parcels"][0]["tracking_number"] == label["tracking_number"]
