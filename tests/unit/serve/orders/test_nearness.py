"""The history of an order tells where it goes by which places are near, to whom the address itself is not told; or
that its person was erased."""

import json

import pytest

from actors.domain.data_key import DestroyKey, Restrict
from serve.keys.envelope import key_of
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.post_office import without_waiting
from tests.unit.serve.privacy.office import TO, body, over, placed, proved, step, stepped
from tests.unit.serve.small_cell import order

SEATTLE, NEWARK, PORTLAND = "us-wh-seattle", "us-wh-newark", "us-st-portland"
# Near Newark: from there the nearest place is neither the first nor the last by its id.
JERSEY = TO | {"lat": 40.714231, "lon": -74.062187, "city": "Ballardtown", "postcode": "07306"}
NEAREST = [NEWARK, SEATTLE, PORTLAND]


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


def support(cell):
    return cell.of_role("support")


def officer(cell):
    return cell.of_role("privacy")


def store(cell):
    return cell.of_role("associate", locs=(PORTLAND,))


async def history(cell, order_id, headers, **query):
    """type → the first event of it."""
    answer = await cell.http.get(f"/v1/orders/{order_id}/events", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    told = {}
    for event in answer.json()["events"]:
        told.setdefault(event["type"], event)
    return told


async def sold(cell):
    """The id of an order that Newark serves, with what would stand in its events if it had been a cart,
    and sourced by a policy."""
    order_id = await placed(cell, body(ship_to=JERSEY))
    first, asked = cell.gateway.events["order", order_id][:2]
    first["places"], asked["transit"] = [[name, {"A1": 3}] for name in NEAREST], [86_400_000]
    first["backorder"] = [{}, {NEWARK: 1, SEATTLE: 3, PORTLAND: 4}, False, {SEATTLE: ["A1"], PORTLAND: ["A1"]}]
    return order_id


async def waiting(cell):
    """The id of an order of what nobody has: it waits in the lines of all places."""
    return await placed(cell, body(ship_to=JERSEY, lines=order(("D4", 2))["lines"]))


async def change_key(cell, order_id, command):
    key_id = key_of(cell.gateway.entities["order", order_id][0].sealed)
    await cell.gateway.ask("data_key", key_id, command, command_id="k", digest=0)
    cell.services.data_keys._opened.clear()


def ranked(events):
    """In which order the places stand in each of the events that tell any."""
    placed, asked = events["OrderPlaced"], events["AllocationAsked"]
    return {
        "placed": [name for name, *_ in placed["places"]], "asked": [name for name, *_ in asked["places"]],
        "transit": asked.get("transit"), "leads": placed["backorder"][1], "barred": list(placed["backorder"][3]),
    }  # fmt: skip


RANKED = {
    "placed": NEAREST, "asked": [SEATTLE, PORTLAND], "transit": [86_400_000], "leads": {NEWARK: 1, SEATTLE: 3, PORTLAND: 4},
    "barred": [SEATTLE, PORTLAND],
}  # fmt: skip
HIDDEN = {
    "placed": sorted(NEAREST), "asked": [PORTLAND, SEATTLE], "transit": None, "leads": {}, "barred": [PORTLAND, SEATTLE]
}  # fmt: skip


async def test_who_may_know_the_address_is_not_told_which_places_were_near(cell):
    order_id, later = await sold(cell), await waiting(cell)
    for headers in (support(cell), cell.of_role("associate", locs=(NEWARK,))):
        assert ranked(await history(cell, order_id, headers)) == RANKED
        alone = await history(cell, order_id, headers, after=1)
        assert [name for name, *_ in alone["AllocationAsked"]["places"]] == RANKED["asked"]
        assert alone["AllocationAsked"]["transit"] == RANKED["transit"]
    asks = (await history(cell, later, support(cell)))["WaitingAsked"]["asks"]
    assert [name for name, *_ in asks] == NEAREST
    assert all(number for _, number, *_ in asks)


@pytest.mark.parametrize(
    ("command", "who", "knows"),
    [(None, store, None), (Restrict(True), support, officer), (Restrict(True), store, None), (DestroyKey(), officer, None)],
)  # fmt: skip
async def test_the_nearest_places_stand_for_an_address_that_is_withheld(cell, command, who, knows):
    order_id, later = await sold(cell), await waiting(cell)
    if command is not None:
        await change_key(cell, order_id, command)
    assert ranked(await history(cell, order_id, who(cell))) == HIDDEN
    # A page without anything that is sealed.
    alone = await history(cell, order_id, who(cell), after=1)
    assert [name for name, *_ in alone["AllocationAsked"]["places"]] == HIDDEN["asked"]
    assert "transit" not in alone["AllocationAsked"]
    asks = (await history(cell, later, who(cell)))["WaitingAsked"]["asks"]
    assert [(name, number) for name, number, *_ in asks] == [(name, 0) for name in sorted(NEAREST)]
    assert all(lines == [["D4", 2]] for _, _, lines, *_ in asks)
    if knows is not None:
        assert ranked(await history(cell, order_id, knows(cell))) == RANKED


async def test_what_was_near_to_an_address_before_it_was_corrected_is_told(cell):
    order_id = await sold(cell)
    request_id = await proved(cell, "gdpr", "rectification")
    await stepped(
        cell, request_id, "rectify", order_id=order_id, correction={"city": "Seattle", "lat": 47.6, "lon": -122.3}
    )
    told = await history(cell, order_id, support(cell))
    assert told["OrderPlaced"]["withheld"] == "rectified"
    assert ranked(told) == HIDDEN
    # A page without either address.
    alone = await history(cell, order_id, support(cell), after=1)
    assert [name for name, *_ in alone["AllocationAsked"]["places"]] == HIDDEN["asked"]
    assert "transit" not in alone["AllocationAsked"]
    assert ranked(await history(cell, order_id, officer(cell))) == RANKED


async def test_how_far_places_were_from_an_address_before_it_was_corrected_is_explained(cell):
    policy = await cell.write(
        "PUT", "/v1/sourcing/policies/all", {"reason": "x", "policy": {}}, **cell.of_role("manager")
    )
    assert policy.status_code == 200, policy.text
    order_id = await placed(cell, body(ship_to=JERSEY))

    async def explained(headers):
        answer = (await cell.http.get(f"/v1/orders/{order_id}/sourcing", headers=headers)).json()
        return answer["withheld"], answer["decision"] is not None, bool(answer["words"])

    assert await explained(support(cell)) == (None, True, True)
    request_id = await proved(cell, "gdpr", "rectification")
    await stepped(
        cell, request_id, "rectify", order_id=order_id, correction={"city": "Seattle", "lat": 47.6, "lon": -122.3}
    )
    assert await explained(support(cell)) == ("rectified", False, False)
    assert await explained(officer(cell)) == (None, True, True)


async def test_a_decision_that_there_is_not_is_withheld_after_a_correction(cell):
    order_id = await placed(cell, body(ship_to=JERSEY))
    await stepped(
        cell, await proved(cell, "gdpr", "rectification"), "rectify", order_id=order_id, correction={"city": "Hoboken"}
    )
    answer = (await cell.http.get(f"/v1/orders/{order_id}/sourcing", headers=support(cell))).json()
    assert (answer["withheld"], answer["decision"]) == (None, None)


async def erased(cell, order_id):
    await over(cell, order_id)
    told = await stepped(cell, await proved(cell, "gdpr", "erasure"), "erase")
    assert told["done"][0]["counts"]["orders"] == 1


async def test_an_erased_person_is_found_again_by_the_nearest_places(cell):
    order_id = await sold(cell)
    await erased(cell, order_id)
    for headers in (support(cell), officer(cell), store(cell)):
        assert ranked(await history(cell, order_id, headers)) == HIDDEN


async def test_a_store_elsewhere_can_tell_an_erasure_from_a_correction(cell):
    """By a word, a gap, what stands in the event, or the call that was the same for all orders of the person."""
    gone = await placed(cell, body(ship_to=JERSEY))
    await erased(cell, gone)
    kept = await placed(cell, body(ship_to=JERSEY))
    await over(cell, kept)
    rectified = await step(
        cell, await proved(cell, "gdpr", "rectification"), "rectify", order_id=kept, correction={"street": "13 Larkspur Close"}
    )  # fmt: skip
    assert rectified.status_code == 200, rectified.text
    told = []
    for order_id in (gone, kept):
        answer = await cell.http.get(f"/v1/orders/{order_id}/events", headers=store(cell))
        events = answer.json()["events"]
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
        assert "orgotten" not in json.dumps(events)
        told.append(
            ({name: text for name, text in events[-1].items() if name != "at"}, [one["type"] for one in events])
        )
    assert told[0] == told[1]
    assert told[0][0]["type"] == "OrderRectified"
    assert (told[0][0]["withheld"], told[0][0]["cause"]) == ("elsewhere", "")
    # Whose rights have no bounds is told that the person is erased.
    assert "PersonForgotten" in await history(cell, gone, support(cell))
