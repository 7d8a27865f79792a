"""What a person's parcels tell: nothing to who asks for all that there is, or everything for ever after an erasure."""

from __future__ import annotations

import logging

import pytest
import structlog

from actors.domain.data_key import DestroyKey
from actors.runtime.wire import UNAVAILABLE, Reply
from serve.keys.envelope import key_of
from serve.privacy import persons
from tests.unit.serve.fake_gateway import refusal
from tests.unit.serve.packing.pack_rig import SEATTLE, guarded_station
from tests.unit.serve.post_office import coded
from tests.unit.serve.privacy.office import (
    EMAIL,
    NOTE,
    PLANTED,
    REF,
    TO,
    at_first,
    body,
    exported,
    kept,
    opened,
    over,
    placed,
    proved,
    step,
    stepped,
)
from tests.unit.serve.small_cell import order

PORTLAND = "us-st-portland"
COURIER = f"/v1/locations/{SEATTLE}/docks/courier"
WORDS = (*PLANTED[:5], "alder row", "hollowbrook", "cloudberry", "bay 41 by the kiosk")


@pytest.fixture
async def station(tmp_path, monkeypatch):
    async with guarded_station(tmp_path, monkeypatch) as made:
        yield made


def fair(**more):
    """Something that nobody ordered, for somebody whose name stands nowhere else."""
    to = {"name": "Hollowbrook", "street": ["4 Alder Row"], "city": "Portland", "postcode": "97209", "country": "US"}
    return {
        "location_id": SEATTLE, "reason": "replacement", "lines": [{"sku": "A1", "quantity": 1}], "ship_to": to,
        "note": NOTE,
    } | more  # fmt: skip


async def sample(station, **more):
    """(id, tracking number), packed, with its label."""
    name = (await station.done("POST", "/v1/manual-shipments", fair(**more), 201))["shipment_id"]
    await station.fill(name, ("A1", 1))
    label = await station.labelled(name, carrier="courier")
    return name, label["tracking_number"]


async def all_leave(station):
    manifest = await station.done("POST", f"{COURIER}/manifests", status=201)
    path = f"{COURIER}/manifests/{manifest['number']}"
    for one in manifest["parcels"]:
        await station.done("POST", f"{path}/scans", {"code": one["sscc"]})
    await station.done("POST", f"{path}/hand-over", {})


async def life(station):
    """(orders, shipments, tracking numbers): one order that was sent, one collected at a store, two
    parcels without an order."""
    order_id = await placed(station.cell, body())
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "start_picking"})
    name = (await station.done("POST", "/v1/shipments", {"fulfilment_id": f"{order_id}.1"}, 201))["shipment_id"]
    wanted = [(line["sku"], line["quantity"]) for line in (await station.read(name))["lines"]]
    await station.fill(name, *wanted)
    tracking = (await station.labelled(name, carrier="courier"))["tracking_number"]
    by_ref, by_email = await sample(station, customer_ref=REF), await sample(station, email=EMAIL)
    pickup = body(pickup={"location_id": PORTLAND}) | {"lines": order(("A1", 1))["lines"]}
    del pickup["ship_to"]
    collected = await placed(station.cell, pickup)
    await all_leave(station)
    await station.done("POST", f"/v1/orders/{order_id}/updates", {"update": "deliver"})
    return [order_id, collected], [name, by_ref[0], by_email[0]], [tracking, by_ref[1], by_email[1]]


async def here(station, order_id):
    """It is ready, and she says where she waits for it."""
    told = (await station.get(f"/v1/orders/{order_id}")).json()["pickup"]["collections"][0]
    path, found = f"/v1/collections/{told['collection_id']}", [{"sku": "A1", "quantity": 1}]
    await station.done("POST", f"{path}/located", {"found": found, "shelf": "shelf 12"})
    await station.done("POST", f"{path}/ready", {})
    await station.done("POST", f"/v1/orders/{order_id}/here", {"spot": WORDS[-1]})


async def test_a_person_is_not_told_of_parcels_and_pickups(station):
    (order_id, collected), shipments, numbers = await life(station)
    await here(station, collected)
    request = await proved(station.cell, "gdpr", "access")
    data = (await exported(station.cell, request)).json()
    told = {one["shipment_id"]: one for one in data["shipments"]}
    assert set(told) == set(shipments)
    assert [told[name]["parcels"][0]["tracking_number"] for name in shipments] == numbers
    assert {told[name]["parcels"][0]["carrier"] for name in shipments} == {"courier"}
    assert (told[shipments[0]]["order_id"], told[shipments[0]]["ship_to"]) == (order_id, None)
    assert (told[shipments[1]]["ship_to"]["street"], told[shipments[1]]["reason"]) == (["4 Alder Row"], "replacement")
    waiting, _ = await sample(station, customer_ref=REF)
    again = (await exported(station.cell, await proved(station.cell, "gdpr", "access"))).json()["shipments"]
    assert {one["shipment_id"]: one["note"] for one in again if one["note"]} == {waiting: NOTE}
    (pickup,) = data["pickups"]
    assert (pickup["order_id"], pickup["location_id"], pickup["here_spot"]) == (collected, PORTLAND, WORDS[-1])
    for language, words in (
        ("en", ("Parcels", "Collected at a store")), ("es", ("Paquetes", "Recogida en tienda")), ("pt", ("Pacotes", "Retirada na loja")),
    ):  # fmt: skip
        page = (await exported(station.cell, request, "?format=html", **{"Accept-Language": language})).text
        for text in (*numbers, "Hollowbrook", "4 Alder Row", pickup["collection_id"], WORDS[-1], NOTE, *words):
            assert text in page, (language, text)


async def test_parcels_are_left_out_while_a_shard_is_away(station):
    _, shipments, _ = await life(station)
    request, view = await proved(station.cell, "gdpr", "access"), station.cell.gateway.view

    async def away(kind, entity_id, *rest, **more):
        if (kind, entity_id) == ("shipment", shipments[1]):
            return Reply(UNAVAILABLE, refusal("cell.unavailable"))
        return await view(kind, entity_id, *rest, **more)

    station.cell.gateway.view = away
    assert coded(await exported(station.cell, request)) == (503, "cell.unavailable")
    station.cell.gateway.view = view
    officer = station.cell.of_role("privacy")
    told = (await station.cell.http.get(f"/v1/privacy-requests/{request}", headers=officer)).json()
    assert (told["begun"], told["done"]) == (["export"], []), "it is noted as told"
    data = (await exported(station.cell, request)).json()
    assert {one["shipment_id"] for one in data["shipments"]} == set(shipments)


async def test_nothing_is_told_because_a_store_has_not_heard_of_its_pickup_yet(station):
    """The order knows of it first, and sends it there."""
    await life(station)
    request, entities = await proved(station.cell, "gdpr", "access"), station.cell.gateway.entities
    (name,) = [key for key in entities if key[0] == "collection"]
    kept_for_later = entities.pop(name)
    told = await exported(station.cell, request)
    assert (told.status_code, told.json()["pickups"]) == (200, []), told.text
    entities[name] = kept_for_later
    assert [one["collection_id"] for one in (await exported(station.cell, request)).json()["pickups"]] == [name[1]]


async def test_what_customs_are_told_of_a_parcel_in_words_is_kept_and_not_told(station):
    away = TO | {"country": "CA", "postcode": "V5K 0A1", "city": "Vancouver"}
    _, name = await station.packed(ship_to=away, customer={"customer_ref": REF})
    await station.labelled(name, customs={"reason": "other", "reason_text": "cloudberry for her aunt"})
    request = await proved(station.cell, "gdpr", "access")
    assert [one["customs"] for one in (await exported(station.cell, request)).json()["shipments"]] == [
        ["cloudberry for her aunt"]
    ]
    for language in ("en", "es", "pt"):
        page = await exported(station.cell, request, "?format=html", **{"accept-language": language})
        assert page.text.count("cloudberry for her aunt") == 1
    key = key_of(station.cell.gateway.entities["shipment", name][0].parcels[0].label.declared.sealed_text)
    await station.cell.gateway.ask("data_key", key, DestroyKey(), command_id="erased", digest=0)
    assert [one["customs"] for one in (await exported(station.cell, request)).json()["shipments"]] == [[]]


async def test_an_export_fails_after_an_erasure_that_was_cut_short(station):
    """The key is gone; what it sealed still lies with what knows whose it is."""
    order_id = await placed(station.cell, body())
    changed = await station.cell.post(
        f"/v1/orders/{order_id}/changes", {"ship_to": {"country": "US", "city": "Elsewhere"}}, **station.cell.of_role("support")
    )  # fmt: skip
    assert changed.status_code == 200, changed.text
    waiting = (await station.done("POST", "/v1/manual-shipments", fair(customer_ref=REF), 201))["shipment_id"]
    request = await proved(station.cell, "gdpr", "access")
    before = (await exported(station.cell, request)).json()
    assert (len(before["orders"][0]["former"]), before["shipments"][0]["note"]) == (1, NOTE)
    key = key_of(station.cell.gateway.entities["order", order_id][0].sealed)
    await station.cell.gateway.ask("data_key", key, DestroyKey(), command_id="cut-short", digest=0)
    told = (await exported(station.cell, request)).json()
    assert [(one["order"]["withheld"], one["email"], one["former"]) for one in told["orders"]] == [("erased", "", [])]
    assert [(one["shipment_id"], one["ship_to"], one["note"]) for one in told["shipments"]] == [(waiting, None, "")]


async def test_an_export_of_very_many_parcels_grows_without_bound_or_is_cut_in_silence(station, monkeypatch):
    monkeypatch.setattr(persons, "SHIPMENTS_MAX", 1)
    request = await proved(station.cell, "gdpr", "access")
    for status, code in ((200, ""), (409, "privacy.too_many_shipments")):
        await station.done("POST", "/v1/manual-shipments", fair(customer_ref=REF), 201)
        answer = await exported(station.cell, request)
        assert (answer.status_code, answer.json().get("code", "")) == (status, code)


async def test_another_persons_parcels_are_told_or_erased(station):
    (_, collected), _, _ = await life(station)
    theirs, number = await sample(station, customer_ref="another-1")
    await all_leave(station)
    data = (await exported(station.cell, await proved(station.cell, "gdpr", "access"))).text
    assert number not in data
    await over(station.cell, collected)
    await stepped(station.cell, await proved(station.cell), "erase")
    label = await station.get(f"/v1/shipments/{theirs}/parcels/1/label")
    assert b"Hollowbrook" in label.content


async def test_a_shipment_yields_the_person_after_the_erasure(station, caplog):
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logged:
        (_, collected), shipments, numbers = await life(station)
        await here(station, collected)
        before = "".join(opened(station.cell)).lower()
        # A spot is packed with nothing else, and a note is gone with what it was about.
        assert not [word for word in WORDS[:-2] if word not in before], "the search would find nothing anyway"
        await over(station.cell, collected)
        request = await proved(station.cell)
        done = (await stepped(station.cell, request, "erase"))["done"][-1]["counts"]
        assert (done["orders"], done["shipments"]) == (2, 2)
        assert opened(station.cell) == []
        lying = kept(station.cell)
        assert [word for word in WORDS if word in lying] == []
        for name in shipments:
            for paper in ("label", "slip.pdf"):
                answer = await station.write("GET", f"/v1/shipments/{name}/parcels/1/{paper}")
                assert answer.status_code == 409, answer.text
                assert answer.json()["code"] in (
                    "shipment.person_erased",
                    "shipment.papers_dropped",
                    "cell.store_unavailable",
                )
        rows = station.cell.gateway.stock_rows
        assert not [key for key, row in rows.items() if key[1] in shipments[1:] and not row.gone]
        data = (await exported(station.cell, await proved(station.cell, "gdpr", "access"))).text.lower()
        assert not [text for text in (*WORDS, *numbers, *shipments) if text.lower() in data]
    said = repr(logged).lower() + caplog.text.lower()
    assert [word for word in WORDS if word in said] == []


async def test_what_is_on_its_way_out_loses_its_address(station):
    name, _ = await sample(station, customer_ref=REF)
    request = await proved(station.cell)
    answer = await step(station.cell, request, "erase")
    assert (coded(answer), answer.json()["shipment_ids"]) == ((409, "privacy.shipments_under_way"), [name])
    assert b"Hollowbrook" in (await station.get(f"/v1/shipments/{name}/parcels/1/label")).content
    await all_leave(station)
    done = (await stepped(station.cell, request, "erase"))["done"][-1]["counts"]
    assert done["shipments"] == 1


async def test_an_address_under_the_same_key_goes_with_somebody_elses_erasure(station):
    """An order with the person's address, under a reference that the request does not name and that has a
    parcel without an order."""
    order_id = await placed(station.cell, body(customer={"customer_ref": "another-1", "email": EMAIL}))
    await over(station.cell, order_id)
    name, _ = await sample(station, customer_ref="another-1")
    await all_leave(station)
    answer = await step(station.cell, await proved(station.cell, customer_ref=None), "erase")
    assert (coded(answer), answer.json()["shipment_ids"]) == ((409, "privacy.person_ambiguous"), [name])


async def test_an_erasure_that_was_cut_short_leaves_a_shipment(station, monkeypatch):
    monkeypatch.setattr(persons, "_PAGE", 1)
    names = [(await sample(station, customer_ref=REF))[0] for _ in range(3)]
    await all_leave(station)
    request, asking = await proved(station.cell), station.cell.gateway.ask

    async def away(kind, entity_id, *rest, **more):
        if kind == "shipment" and entity_id == names[1]:
            raise ConnectionError("cut")
        return await asking(kind, entity_id, *rest, **more)

    station.cell.gateway.ask = away
    assert (await step(station.cell, request, "erase", "k-1")).status_code == 500
    station.cell.gateway.ask = asking
    # What was forgotten is not found any more; what was not, is.
    done = (await stepped(station.cell, request, "erase"))["done"][-1]["counts"]
    assert 1 <= done["shipments"] <= 3
    assert not [name for name in names if station.cell.gateway.entities["shipment", name][0].person]


async def test_a_parcel_that_is_sent_while_its_person_is_erased_is_passed_over_by_the_last_look(station):
    await over(station.cell, await placed(station.cell))
    request_id, asking, made = await proved(station.cell), station.cell.gateway.ask, []

    async def ask(kind, identity, command, *rest, **more):
        if type(command) is DestroyKey and not made:
            # Sealed before its key is destroyed.
            made.append(None)
            await station.done("POST", "/v1/manual-shipments", fair(customer_ref=REF), 201)
        return await asking(kind, identity, command, *rest, **more)

    station.cell.gateway.ask = ask
    assert coded(await step(station.cell, request_id, "erase")) == (409, "privacy.shipments_under_way")


async def test_a_parcel_of_the_same_moment_that_has_left_tells_whose_it_was(station):
    await over(station.cell, await placed(station.cell))
    request_id, made = await proved(station.cell), []

    async def meanwhile():
        made.append((await sample(station, customer_ref=REF))[0])
        await all_leave(station)

    at_first(station.cell, DestroyKey, meanwhile)
    done = (await stepped(station.cell, request_id, "erase"))["done"]
    assert [one["counts"]["shipments"] for one in done] == [0, 1]
    assert station.cell.gateway.entities["shipment", made[0]][0].person == ""
