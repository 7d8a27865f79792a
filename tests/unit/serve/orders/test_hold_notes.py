"""What staff write of a person when they hold an order lies in the clear, outlives the person, or is lost to
who works on the order."""

import json

import msgspec
import pytest

from actors.domain.data_key import DestroyKey
from actors.domain.order_commands import ForgetPerson
from actors.domain.order_terms_commands import HoldOrder, ReleaseOrder
from actors.domain.order_terms_events import HoldsPlaced, HoldsReleased
from actors.runtime.sharding import digest_of
from actors.runtime.wire import UNAVAILABLE, Reply
from serve.keys.envelope import key_of
from tests.unit.serve.fake_gateway import refusal
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.orders.test_order_holds_api import hold, release, update
from tests.unit.serve.post_office import without_waiting
from tests.unit.serve.privacy.office import NOTE, body, kept, over, placed, proved, stepped
from tests.unit.serve.small_cell import order

OLD = "old words: the Larkspur flat"


@pytest.fixture
async def guarded(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def events(cell, order_id, role="manager"):
    answer = await cell.http.get(f"/v1/orders/{order_id}/events", headers=cell.of_role(role))
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()["events"] if one["type"].startswith("Holds")]


async def shown(cell, order_id, role="manager"):
    answer = await cell.http.get(f"/v1/orders/{order_id}", headers=cell.of_role(role))
    assert answer.status_code == 200, answer.text
    return [one.get("note") for one in answer.json()["terms"]["holds"]]


async def say(cell, order_id, sent, key=None):
    answer = await cell.post(f"/v1/orders/{order_id}/updates", sent, key, **cell.of_role("manager"))
    assert answer.status_code == 200, answer.text


def known(cell, order_id):
    """Its events and version."""
    return len(cell.gateway.events["order", order_id])


async def test_a_note_is_lost_to_who_works_on_the_order_or_the_history_shows_what_is_the_cells_own(guarded):
    order_id = await placed(guarded)
    await say(guarded, order_id, hold("fraud", "address", note=NOTE))
    assert await shown(guarded, order_id) == [NOTE, NOTE]
    await say(guarded, order_id, release("fraud", note="called"))
    await say(guarded, order_id, release("address"))
    placing, called, plain = await events(guarded, order_id)
    assert [(one[0], one[3], len(one)) for one in placing["holds"]] == [("fraud", NOTE, 6), ("address", NOTE, 6)]
    assert called["note"] == "called"
    for event in (placing, called, plain):
        assert {"sealed_note", "note_digest", "withheld"}.isdisjoint(event)
    assert "cloudberry" not in repr(guarded.gateway.events) + repr(guarded.gateway.entities)


@pytest.mark.parametrize("sent", [body(), order() | {"customer": {"country": "US"}}], ids=["known", "nobody known"])
async def test_the_same_words_again_are_another_hold_or_others_are_not(guarded, sent):
    order_id = await placed(guarded, sent)
    await say(guarded, order_id, hold("fraud", note=NOTE))
    before = known(guarded, order_id)
    await say(guarded, order_id, hold("fraud", note=NOTE))
    assert known(guarded, order_id) == before
    await say(guarded, order_id, hold("fraud", note="others"))
    assert (known(guarded, order_id), await shown(guarded, order_id)) == (before + 1, ["others"])


async def test_a_call_that_is_repeated_is_another_one_or_confirms_a_guess_at_its_note(guarded):
    order_id, sent = await placed(guarded), hold("fraud", note=NOTE)
    await say(guarded, order_id, sent, "k-1")
    before = known(guarded, order_id)
    await say(guarded, order_id, sent, "k-1")
    many = {"updates": [{"order_id": order_id, **release("fraud", note="a" + NOTE)}]}
    for _ in range(2):
        answer = await guarded.post("/v1/order-updates", many, "k-2", **guarded.of_role("manager"))
        assert "error" not in answer.json()["results"][0]
    assert known(guarded, order_id) == before + 1
    other = await update(guarded, {"order_id": order_id}, hold("fraud", note=NOTE + "!"), **guarded.of_role("manager"))
    assert other.status_code == 200
    answer = await guarded.post(
        f"/v1/orders/{order_id}/updates", hold("fraud", note="another"), "k-1", **guarded.of_role("manager")
    )
    assert answer.json()["code"] == "idempotency.key_reused"
    plain = release("fraud")
    await say(guarded, order_id, plain, "k-3")
    remembered = {digest for digest, _ in guarded.gateway.remembered.values()}
    guesses = [digest_of(json.dumps(one, separators=(",", ":")).encode()) for one in (sent, many, plain)]
    assert [guess in remembered for guess in guesses] == [False, False, True]


async def test_a_note_is_told_while_the_person_is_restricted(guarded):
    order_id = await placed(guarded)
    await say(guarded, order_id, hold("fraud", note=NOTE))
    await stepped(guarded, await proved(guarded, "gdpr", "restriction"), "restrict")
    assert await shown(guarded, order_id) == [None]
    (event,) = await events(guarded, order_id)
    assert (event["holds"][0][3], event["withheld"]) == ("", "restricted")
    assert await shown(guarded, order_id, "privacy") == [NOTE]
    assert (await events(guarded, order_id, "privacy"))[0]["holds"][0][3] == NOTE


async def test_a_note_from_before_they_were_sealed_is_lost_or_told_for_ever(guarded):
    order_id = await placed(guarded)
    # As hosts of then were told, and wrote.
    for number, command in enumerate((HoldOrder(["fraud", "address"], note=OLD), ReleaseOrder(["address"], note=OLD))):
        await guarded.gateway.ask("order", order_id, command, command_id=f"old-{number}", digest=0)
    assert await shown(guarded, order_id) == [OLD]
    placing, gone = await events(guarded, order_id)
    assert (placing["holds"][0][3], gone["note"]) == (OLD, OLD)
    key_id = key_of(guarded.gateway.entities["order", order_id][0].sealed)
    await over(guarded, order_id)
    await guarded.gateway.ask("data_key", key_id, DestroyKey(), command_id="destroy", digest=0)
    guarded.services.data_keys._opened.clear()
    for step in ("destroyed", "forgotten"):
        assert await shown(guarded, order_id) == [None], step
        placing, gone = await events(guarded, order_id)
        assert (placing["holds"][0][3], gone["note"], gone["withheld"]) == ("", "", "erased"), step
        await guarded.gateway.ask("order", order_id, ForgetPerson(), command_id="forget", digest=0)
    state, _ = guarded.gateway.entities["order", order_id]
    assert [one.note for one in state.terms.holds] == [""]


async def test_an_order_that_was_forgotten_with_its_note_tells_it_yet(guarded):
    order_id = await placed(guarded)
    await say(guarded, order_id, hold("fraud"))
    state, _ = guarded.gateway.entities["order", order_id]
    state.terms = msgspec.structs.replace(
        state.terms, holds=[msgspec.structs.replace(one, note=OLD) for one in state.terms.holds]
    )
    state.sealed, state.forgotten = b"", True
    assert await shown(guarded, order_id) == [None]
    # And whatever is written of it from now on is about nobody who may be named.
    await say(guarded, order_id, release("fraud", note=NOTE))
    assert "cloudberry" not in kept(guarded)


async def test_an_order_that_is_away_gets_its_note_in_the_clear_or_harms_the_others(guarded):
    one, other = await placed(guarded), await placed(guarded)
    view = guarded.gateway.view

    async def away(kind, entity_id, query, **more):
        if entity_id == one and type(query).__name__ == "ViewContact":
            return Reply(UNAVAILABLE, refusal("cell.unavailable"))
        return await view(kind, entity_id, query, **more)

    guarded.gateway.view = away
    many = {"updates": [{"order_id": name, **hold("fraud", note=NOTE)} for name in (one, other)]}
    told = await guarded.post("/v1/order-updates", many, **guarded.of_role("manager"))
    by_filter = {"filter": {"status": "allocated"}, **hold("address", note=NOTE)}
    found = await guarded.post("/v1/order-actions", by_filter, **guarded.of_role("manager"))
    for answer in (told, found):
        codes = {one["order_id"]: one.get("error", {}).get("code") for one in answer.json()["results"]}
        assert codes == {one: "cell.unavailable", other: None}
    single = await update(guarded, {"order_id": one}, hold("fraud", note=NOTE), **guarded.of_role("manager"))
    assert (single.status_code, single.json()["code"]) == (503, "cell.unavailable")
    assert guarded.gateway.entities["order", one][0].terms is None
    assert await shown(guarded, other) == [NOTE, NOTE]


def test_an_event_of_then_can_not_be_read():
    old = [["fraud", 1, "us-acct-x", OLD, None, False]]
    for codec in (msgspec.json, msgspec.msgpack):
        placing = codec.decode(codec.encode({"type": "HoldsPlaced", "holds": old}), type=HoldsPlaced)
        gone = codec.decode(
            codec.encode({"type": "HoldsReleased", "kinds": ["fraud"], "note": OLD}), type=HoldsReleased
        )
        assert (placing.holds[0].note, placing.holds[0].sealed_note, gone.note, gone.sealed_note) == (
            OLD,
            b"",
            OLD,
            b"",
        )
