"""What staff write about a parcel in words lies in the clear, outlives whom it tells of, or is lost
to who packs and prints."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.data_key import DestroyKey, Restrict
from actors.domain.shipment_commands import Declared, ForgetRecipient
from actors.domain.shipment_events import LabelAsked, ManualOpened
from actors.domain.shipment_papers import as_written
from serve.keys.envelope import key_of
from tests.unit.serve.packing.pack_rig import TO_MIA, Station, guarded_station, open_cell
from tests.unit.serve.packing.test_papers_kept import FAIR, handed_over
from tests.unit.serve.packing.test_sealed_parcels import change_key, kept, text_of
from tests.unit.serve.small_cell import furnish

NOTE = "for Mia's cloudberry fair"
WORDS = "cloudberry jam for Mia"
VANCOUVER = TO_MIA | {"country": "CA", "postcode": "V5K 0A1", "city": "Vancouver", "lat": 49.28, "lon": -123.12}


@pytest.fixture
async def station(tmp_path, monkeypatch):
    async with guarded_station(tmp_path, monkeypatch) as made:
        yield made


def state_of(station, name):
    return station.cell.gateway.entities["shipment", name][0]


async def manual(station, **more):
    body = FAIR | {"note": NOTE} | more
    return (await station.done("POST", "/v1/manual-shipments", body, 201))["shipment_id"]


async def note(station, name):
    return (await station.read(name))["note"]


async def test_a_note_lies_in_the_clear_or_is_lost_to_who_packs(station):
    name, plain = await manual(station), await manual(station, note="")
    assert (await note(station, name), await note(station, plain)) == (NOTE, "")
    assert "cloudberry" not in kept(station.cell)
    key_id = key_of(state_of(station, name).sealed_note)
    assert key_id == key_of(state_of(station, name).ship_to)
    await change_key(station, key_id, Restrict(True, "r-1"))
    assert await note(station, name) == ""
    await change_key(station, key_id, Restrict(False, "r-1"))
    assert await note(station, name) == NOTE
    await change_key(station, key_id, DestroyKey())
    assert await note(station, name) == ""


async def test_a_note_is_read_and_nobody_writes_it_down(station, monkeypatch):
    name, plain = await manual(station), await manual(station, note="")
    gateway = station.cell.gateway
    gateway.audited.clear()
    # Without a note there is nothing of a person in it.
    for one in (plain, name):
        await station.read(one)
    seen = [(line.act.action, line.kind, line.entity_id) for line in gateway.audited]
    assert seen == [("shipment.read", "shipment", name)]

    async def away(lines, command_id, **more):
        return False

    monkeypatch.setattr(station.cell.services.trail, "_handed_over", away)
    answer = await station.cell.http.get(f"/v1/shipments/{name}", headers=station.headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "audit.unavailable")
    assert NOTE not in answer.text


async def test_a_note_stays_when_its_parcel_has_left_or_lies_in_the_history(station):
    name = await manual(station)
    await station.fill(name, ("A1", 1))
    await handed_over(station, name)
    state = state_of(station, name)
    assert (state.note, state.sealed_note, await note(station, name)) == ("", b"", "")
    (opened,) = [one for one in station.cell.gateway.events["shipment", name] if one["type"] == "ManualOpened"]
    assert opened["note"] == ""
    assert not opened.get("sealed_note")


async def test_a_note_from_before_they_were_sealed_is_told_or_kept_for_ever(station):
    name = await manual(station)
    await station.fill(name, ("A1", 1))
    state_of(station, name).note, state_of(station, name).sealed_note = NOTE, b""
    assert await note(station, name) == NOTE
    await handed_over(station, name)
    # As the events of then left it, of whom nothing else is known.
    state = state_of(station, name)
    state.note, state.person, state.filed = NOTE, "", False
    for parcel in state.parcels:
        parcel.label.filed = False
    assert await note(station, name) == ""
    await station.cell.gateway.ask("shipment", name, ForgetRecipient(), command_id="forget", digest=0)
    assert state_of(station, name).note == ""


async def test_a_cell_without_keys_takes_no_note():
    cell = open_cell()
    await furnish(cell)
    station = Station(cell)
    await station.goods()
    name = await manual(station)
    assert await note(station, name) == NOTE


async def test_words_for_customs_lie_in_the_clear_or_are_missing_on_a_form_that_is_printed_later(station):
    order_id, name = await station.packed(ship_to=VANCOUVER)
    await station.labelled(name, customs={"reason": "other", "reason_text": WORDS})
    path = f"/v1/shipments/{name}/parcels/1/customs.pdf"
    assert WORDS in text_of((await station.get(path)).content)
    assert "cloudberry" not in kept(station.cell).replace(repr(station.cell.services.carriers).lower(), "")
    declared = state_of(station, name).parcels[0].label.declared
    assert (declared.reason, declared.reason_text) == ("other", "")
    key_id = key_of(station.cell.gateway.entities["order", order_id][0].sealed)
    assert key_of(declared.sealed_text) == key_id
    await change_key(station, key_id, DestroyKey())
    await station.refused("shipment.person_erased", "GET", path)


async def test_words_from_before_they_were_sealed_are_missing_on_a_form(station):
    _, name = await station.packed(ship_to=VANCOUVER)
    await station.labelled(name, customs={"reason": "other", "reason_text": WORDS})
    label = state_of(station, name).parcels[0].label
    label.declared = Declared(
        "other", WORDS, "", label.declared.declared_on, label.declared.currency, label.declared.goods
    )
    document = await station.get(f"/v1/shipments/{name}/parcels/1/customs.pdf")
    assert WORDS in text_of(document.content)


def test_words_stand_in_the_history():
    asked = LabelAsked(1, "k", "post", "standard", "pdf", b"r", "d", "x", Declared("other", WORDS, sealed_text=b"s"))
    assert as_written(asked).declared == Declared("other")
    assert as_written(LabelAsked(1, "k", "post", "standard", "pdf", b"r", "d")).declared is None


def test_an_event_of_then_can_not_be_read():
    old = {
        "type": "ManualOpened", "location_id": "us-wh-x", "reason": "sample", "note": NOTE, "lines": [["A1", 1]], "known": {}, "proposal": [],
        "series": "s", "country": "US", "ship_to": b"x", "command_id": "c",
    }  # fmt: skip
    for codec in (msgspec.json, msgspec.msgpack):
        event = codec.decode(codec.encode(old), type=ManualOpened)
        assert (event.note, event.sealed_note) == (NOTE, b"")
