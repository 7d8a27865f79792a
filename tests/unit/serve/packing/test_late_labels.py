"""A label is bought twice because its answer got lost long ago, or because somebody prints it again; and a carrier
hears of people before it sells anything."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.times import DAY_MS
from partners.carrier import KEYS_KEPT_MS, CarrierRefused
from serve.packing import labels
from serve.packing.labels import KEYS_TRUSTED_MS
from tests.unit.serve.packing.pack_rig import DOCK, TO_MIA, Station, guarded_cell, open_cell
from tests.unit.serve.post_office import without_waiting
from tests.unit.serve.small_cell import furnish_with

BODY = {"carrier": "post", "service": "standard"}


def path_of(name):
    return f"/v1/shipments/{name}/parcels/1/label"


async def unheard(station, key="k-1"):
    """(shipment, carrier): its label is sold, and nobody knows."""
    _, name = await station.packed()
    carrier = station.cell.services.carriers["post"]
    carrier.mute = True
    assert (await station.write("POST", path_of(name), BODY, key)).json()["code"] == "carrier.timed_out"
    carrier.mute = False
    assert len(carrier._parcels) == 1
    return name, carrier


@pytest.mark.parametrize("later_ms", [KEYS_TRUSTED_MS, KEYS_KEPT_MS + 1, 40 * DAY_MS])
@pytest.mark.parametrize("key", ["k-1", "another"])
async def test_a_label_whose_answer_got_lost_is_bought_again_when_the_carrier_has_forgotten_its_key(
    station, later_ms, key
):
    name, carrier = await unheard(station)
    station.cell.clock.now += later_ms
    told = await station.done("POST", path_of(name), BODY, key=key)
    assert (told["status"], list(carrier._parcels)) == ("bought", [told["tracking_number"]])


async def test_a_label_that_was_never_sold_can_not_be_bought_later(station):
    _, name = await station.packed()
    carrier = station.cell.services.carriers["post"]
    carrier.down = True
    assert (await station.write("POST", path_of(name), BODY, "k-1")).json()["code"] == "carrier.unavailable"
    carrier.down = False
    station.cell.clock.now += 2 * DAY_MS
    assert (await station.done("POST", path_of(name), BODY, key="k-1"))["status"] == "bought"
    assert len(carrier._parcels) == 1


async def test_the_carrier_is_asked_twice_for_each_label(station, monkeypatch):
    carrier = station.cell.services.carriers["post"]

    async def found(*_):
        raise AssertionError("a key that is new needs no second question")

    monkeypatch.setattr(carrier, "find", found)
    _, name = await station.packed()
    await station.labelled(name)


async def test_who_prints_a_label_again_buys_one(station, monkeypatch):
    monkeypatch.setattr(labels, "DOCUMENT_BYTES_MAX", 10)
    _, name = await station.packed()
    await station.labelled(name)
    carrier = station.cell.services.carriers["post"]
    for later_ms in (0, 40 * DAY_MS):
        station.cell.clock.now += later_ms
        assert (await station.get(path_of(name))).content.startswith(b"%PDF")
        assert len(carrier._parcels) == 1
    carrier._sold.clear()
    await station.refused("carrier.not_sold", "GET", path_of(name))
    assert len(carrier._parcels) == 1


@pytest.mark.parametrize("sold", [True, False])
async def test_a_label_that_nobody_wants_any_more_is_bought_to_be_given_back(station, sold):
    if sold:
        name, carrier = await unheard(station)
    else:
        _, name = await station.packed()
        carrier = station.cell.services.carriers["post"]

        async def away(*_):
            raise labels.CarrierError("the line was cut before it heard of it")

        kept, carrier.label = carrier.label, away
        assert (await station.write("POST", path_of(name), BODY)).json()["code"] == "carrier.timed_out"
        carrier.label = kept
    order_id = (await station.read(name))["order_id"]
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "cancel"})
    assert (await station.write("POST", path_of(name), BODY, "again")).json()["code"] == "shipment.order_cancelled"
    station.cell.clock.now += 2 * DAY_MS
    told = await station.done("POST", f"/v1/shipments/{name}/unpacking", {})
    assert told["status"] == "cancelled"
    label = (await station.read(name))["parcels"][0]["label"]
    assert (label["status"], label["code"]) == (("voided", "") if sold else ("refused", "carrier.not_sold"))
    assert len(carrier._parcels) == sold


async def test_a_manifest_whose_answer_got_lost_is_refused_for_ever_when_the_carrier_has_forgotten_its_key(station):
    _, name = await station.packed()
    await station.labelled(name)
    carrier = station.cell.services.carriers["post"]
    carrier.mute = True
    assert (await station.write("POST", f"{DOCK}/manifests")).json()["code"] == "carrier.timed_out"
    carrier.mute = False
    station.cell.clock.now += 2 * DAY_MS
    manifest = await station.done("POST", f"{DOCK}/manifests", status=201)
    assert (manifest["number"], manifest["status"], carrier._manifests) == (1, "closed", 1)


async def test_a_carrier_that_only_tells_its_price_hears_who_gets_it(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    cell = guarded_cell(tmp_path)
    await furnish_with(cell, cell.bearer())
    station = Station(cell, **cell.bearer())
    await station.goods()
    _, name = await station.packed(ship_to=TO_MIA)
    carrier, heard = cell.services.carriers["post"], []
    quote, label = carrier.quote, carrier.label

    async def quoted(wanted):
        heard.append(wanted)
        return await quote(wanted)

    async def sold(key, wanted):
        heard.append(wanted)
        return await label(key, wanted)

    monkeypatch.setattr(carrier, "quote", quoted)
    monkeypatch.setattr(carrier, "label", sold)
    told = (await station.get(f"/v1/shipments/{name}/parcels/1/quotes")).json()
    assert told["quotes"]
    wanted = heard.pop()
    assert msgspec.to_builtins(wanted.destination) == {"country": "US", "postcode": "98109", "city": "Ballardtown"}
    assert not [word for word in ("Quillfeather", "Larkspur", "0188", "Dock Street", "Larch") if word in repr(wanted)]
    await station.labelled(name)
    assert "Quillfeather" in repr(heard.pop())
    await cell.http.aclose()


@pytest.mark.parametrize("guarded", [False, True])
async def test_a_label_is_paid_twice_because_the_carrier_was_away_when_it_was_asked_again(
    tmp_path, monkeypatch, guarded
):
    without_waiting(monkeypatch)
    cell = guarded_cell(tmp_path) if guarded else open_cell()
    headers = cell.bearer() if guarded else {}
    await furnish_with(cell, headers)
    station = Station(cell, **headers)
    await station.goods()
    _, name = await station.packed(**({"ship_to": TO_MIA} if guarded else {}))
    carrier = cell.services.carriers["post"]
    carrier.mute = True
    assert (await station.write("POST", path_of(name), BODY, "k-1")).json()["code"] == "carrier.timed_out"
    carrier.mute, carrier.down = False, True
    for key in ("k-1", "k-2", "k-1"):
        assert (await station.write("POST", path_of(name), BODY, key)).json()["code"] == "carrier.unavailable"
    # Another one would be paid besides.
    await station.refused("shipment.label_asked", "POST", path_of(name), BODY | {"carrier": "courier"})
    carrier.down = False
    told = await station.done("POST", path_of(name), BODY, key="k-3")
    assert (told["status"], list(carrier._parcels)) == ("bought", [told["tracking_number"]])
    await cell.http.aclose()


async def test_a_label_that_was_paid_is_kept_because_the_carrier_was_away_when_it_was_asked_again(station):
    name, carrier = await unheard(station)
    carrier.down = True
    assert (await station.write("POST", path_of(name), BODY, "k-2")).json()["code"] == "carrier.unavailable"
    carrier.down = False
    order_id = (await station.read(name))["order_id"]
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "cancel"})
    assert (await station.write("POST", path_of(name), BODY, "again")).json()["code"] == "shipment.order_cancelled"
    assert (await station.done("POST", f"/v1/shipments/{name}/unpacking", {}))["status"] == "cancelled"
    assert [one.voided_ms is not None for one in carrier._parcels.values()] == [True]


async def test_a_carrier_that_is_away_holds_up_a_parcel_that_another_could_take(station):
    _, name = await station.packed()
    carrier = station.cell.services.carriers["post"]
    carrier.down = True
    for key in ("k-1", "k-1", "k-2"):
        assert (await station.write("POST", path_of(name), BODY, key)).json()["code"] == "carrier.unavailable"
    assert (await station.labelled(name, carrier="courier"))["status"] == "bought"
    assert not carrier._parcels


async def test_a_refused_label_has_another_key_only_because_it_is_sealed_anew(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    cell = guarded_cell(tmp_path)
    await furnish_with(cell, cell.bearer())
    station = Station(cell, **cell.bearer())
    await station.goods()
    _, name = await station.packed(ship_to=TO_MIA)
    carrier = cell.services.carriers["post"]
    carrier.down = True
    for key in ("k-1", "k-2"):
        assert (await station.write("POST", path_of(name), BODY, key)).json()["code"] == "carrier.unavailable"
    label = cell.gateway.entities["shipment", name][0].parcels[0].label
    assert label.key == f"{name}.1.1"
    assert label.digest
    assert "Larkspur" not in label.digest
    await cell.http.aclose()


async def test_a_label_whose_answer_comes_while_another_gives_it_back_is_lost(station, monkeypatch):
    """It is bought between the look at the shipment and the question to the carrier."""
    name, carrier = await unheard(station)
    order_id = (await station.read(name))["order_id"]
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "cancel"})
    await station.write("POST", path_of(name), BODY, "again")
    tried = labels.Labels._tried

    async def answered(self, ticket, request, write, attempt):
        sold = next(iter(carrier._parcels))
        noted = labels.NoteLabel(1, ticket.key, sold, b"", 700, "USD")
        await station.cell.gateway.ask("shipment", name, noted, command_id="late", digest=0)
        return await tried(self, ticket, request, write, attempt)

    monkeypatch.setattr(labels.Labels, "_tried", answered)
    assert (await station.done("POST", f"/v1/shipments/{name}/unpacking", {}))["status"] == "cancelled"
    assert [one.voided_ms is not None for one in carrier._parcels.values()] == [True]


def refusing(carrier, monkeypatch, call):
    """The carrier says no to that call, until the context is left."""

    async def no(*args, **more):
        raise CarrierRefused("carrier.handed_over", "not now")

    monkeypatch.setattr(carrier, call, no)


async def test_a_call_that_is_sent_again_gives_a_label_back_that_is_kept_by_now(station, monkeypatch):
    """The carrier has refused, so the parcel leaves by that label: what it would say to the same call
    later is asked by nobody."""
    _, name = await station.opened(("A1", 3))
    await station.fill(name, ("A1", 1))
    label = await station.labelled(name)
    carrier = station.cell.services.carriers["post"]
    with monkeypatch.context() as patch:
        refusing(carrier, patch, "void")
        assert (await station.done("DELETE", path_of(name), key="back"))["status"] == "bought"
    assert (await station.done("DELETE", path_of(name), key="back"))["status"] == "bought"
    assert carrier._parcels[label["tracking_number"]].voided_ms is None
    # Who wants it still asks anew.
    assert (await station.done("DELETE", path_of(name), key="anew"))["status"] == "voided"
    assert carrier._parcels[label["tracking_number"]].voided_ms is not None


async def test_a_call_that_is_sent_again_hands_over_what_waits_again(station, monkeypatch):
    """The carrier has refused the manifest, and would take it by now: its parcels may be on
    another one, or be given back."""
    _, name = await station.packed()
    await station.labelled(name)
    carrier = station.cell.services.carriers["post"]
    with monkeypatch.context() as patch:
        refusing(carrier, patch, "manifest")
        answer = await station.write("POST", f"{DOCK}/manifests", None, "close")
        assert answer.json()["code"] == "carrier.refused"
    answer = await station.write("POST", f"{DOCK}/manifests", None, "close")
    assert (answer.status_code, answer.json()["carrier_code"]) == (409, "carrier.handed_over")
    assert carrier._manifests == 0
    manifest = await station.done("POST", f"{DOCK}/manifests", status=201)
    assert (manifest["number"], manifest["status"], carrier._manifests) == (2, "closed", 1)
    # And of one that was closed the answer is the same.
    again = await station.write("POST", f"{DOCK}/manifests", None, "close")
    assert again.json()["carrier_code"] == "carrier.handed_over"
