"""Keys that replicas make while the store can't be asked whose they are: what a restriction or an erasure does not
reach, because such a key came at the same moment, or was made by a replica that knew nothing of it."""

import asyncio

import pytest

from actors.domain.consent import WithdrawConsents
from actors.domain.data_key import DestroyKey, Restrict, SettleKey
from actors.runtime.errors import StoreUnavailable
from actors.runtime.wire import UNAVAILABLE, Reply
from serve.keys.data_keys import AWAY_S
from tests.unit.serve.fake_gateway import refusal
from tests.unit.serve.post_office import bearer, coded
from tests.unit.serve.privacy.office import (
    EMAIL,
    REF,
    TO,
    asked,
    at_first,
    body,
    customer,
    found,
    over,
    placed,
    proved,
    step,
    stepped,
)
from tests.unit.serve.small_cell import order

# Whose it is, the token says.
OWN = body(customer={"country": "US"})
STAFF = ("manager", "support", "associate", "driver")


def forget(cell):
    """As a replica that has just started."""
    for kept in (cell.services.data_keys._opened, cell.services.data_keys._persons):
        kept.clear()
    cell.services.data_keys._store_away_until = 0.0


async def placed_unasked(cell, monkeypatch, **who):
    """An order whose customer's keys nobody could ask for when it was placed."""
    with monkeypatch.context() as meanwhile:
        listed_by_nobody(cell, meanwhile)
        forget(cell)
        return await placed(cell, OWN if who else None, **who)


def listed_by_nobody(cell, patches):
    async def away(person):
        raise StoreUnavailable

    patches.setattr(cell.read_model, "data_keys", away)


async def told(cell, order_id, role):
    answer = await cell.http.get(f"/v1/orders/{order_id}", headers=cell.of_role(role))
    assert answer.status_code in (200, 403), answer.text
    return found(answer.text.lower()), answer.json().get("withheld")


async def test_an_order_that_is_placed_while_the_store_is_slow_tells_staff_of_somebody_who_is_restricted(
    cell, monkeypatch
):
    tokens, _ = await customer(cell)
    request_id = await proved(cell, "gdpr", "restriction")
    await stepped(cell, request_id, "restrict")
    orders = [await placed_unasked(cell, monkeypatch), await placed_unasked(cell, monkeypatch, **bearer(tokens))]
    for later_s in (0, AWAY_S, 86_400):
        cell.clock.now += int(later_s * 1000)
        for order_id in orders:
            assert [await told(cell, order_id, role) for role in STAFF] == [([], "restricted")] * len(STAFF)
        forget(cell)
    orders += [await placed(cell)]
    assert await told(cell, orders[-1], "support") == ([], "restricted"), "others go on under a key that is not"
    await stepped(cell, request_id, "lift_restriction")
    forget(cell)
    for order_id in orders:
        assert (await told(cell, order_id, "support"))[1] is None


async def test_a_new_customers_address_is_told_before_the_store_has_answered_or_not_told_to_herself(cell, monkeypatch):
    tokens, _ = await customer(cell)
    with monkeypatch.context() as meanwhile:
        listed_by_nobody(cell, meanwhile)
        forget(cell)
        order_id = await placed(cell, OWN, **bearer(tokens))
        assert await told(cell, order_id, "support") == ([], "restricted")
        own = await cell.http.get(f"/v1/orders/{order_id}", headers=bearer(tokens))
        assert own.json()["ship_to"] == TO
    cell.clock.now += int(AWAY_S * 1000)
    shown = (await cell.http.get(f"/v1/orders/{order_id}", headers=cell.of_role("support"))).json()
    assert (shown["ship_to"], shown.get("withheld")) == (TO, None)


async def test_a_store_that_is_away_is_asked_for_an_unasked_key_by_each_reader(cell, monkeypatch):
    order_id = await placed_unasked(cell, monkeypatch)
    asked = []

    async def away(person):
        asked.append(person)
        raise StoreUnavailable

    monkeypatch.setattr(cell.read_model, "data_keys", away)
    forget(cell)
    for _ in range(3):
        assert await told(cell, order_id, "support") == ([], "restricted")
    assert len(asked) == 1
    cell.clock.now += round(AWAY_S * 1000) + 1
    await told(cell, order_id, "support")
    assert len(asked) == 2


async def test_a_key_that_is_made_while_its_person_is_restricted_is_passed_over(cell, monkeypatch):
    await placed(cell)
    request_id, late = await proved(cell, "gdpr", "restriction"), []

    async def meanwhile():
        late.append(await placed_unasked(cell, monkeypatch))
        # Settled before the other keys are restricted.
        forget(cell)
        assert (await told(cell, late[0], "support"))[1] is None

    at_first(cell, Restrict, meanwhile)
    await stepped(cell, request_id, "restrict")
    forget(cell)
    assert await told(cell, late[0], "support") == ([], "restricted")


async def test_a_key_that_takes_over_a_restriction_while_it_is_lifted_stays_restricted_for_good(cell, monkeypatch):
    await placed(cell)
    request_id = await proved(cell, "gdpr", "restriction")
    await stepped(cell, request_id, "restrict")
    late = await placed_unasked(cell, monkeypatch)
    forget(cell)
    asking, looked, lifted = cell.gateway.ask, asyncio.Event(), asyncio.Event()

    async def ask(kind, identity, command, *rest, **more):
        if type(command) is SettleKey:
            looked.set()
            await lifted.wait()
        if type(command) is Restrict and ":again" in more["command_id"]:
            lifted.set()
            await reading
        return await asking(kind, identity, command, *rest, **more)

    cell.gateway.ask = ask
    # It has seen the restriction of the other key, and says so once that is lifted.
    reading = asyncio.ensure_future(told(cell, late, "support"))
    await looked.wait()
    await stepped(cell, request_id, "lift_restriction")
    lifted.set()
    await reading
    forget(cell)
    assert (await told(cell, late, "support"))[1] is None


async def test_an_order_that_is_placed_under_a_key_of_its_own_while_its_person_is_erased_outlives_her(
    cell, monkeypatch
):
    await over(cell, await placed(cell))
    request_id, late = await proved(cell), []

    async def meanwhile():
        late.append(await placed_unasked(cell, monkeypatch))

    at_first(cell, DestroyKey, meanwhile)
    answer = await step(cell, request_id, "erase", "k-1")
    assert (coded(answer), answer.json()["order_ids"]) == ((409, "privacy.orders_under_way"), late)
    forget(cell)
    shown = (await cell.http.get(f"/v1/orders/{late[0]}", headers=cell.of_role("manager"))).json()
    assert shown["ship_to"] == TO, "a parcel on its way loses its address"
    await over(cell, *late)
    again = await step(cell, request_id, "erase", "k-2")
    assert again.status_code == 200, again.text
    assert await told(cell, late[0], "manager") == ([], "erased")
    assert not any(state.wrapped for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "data_key")


@pytest.mark.parametrize("away", [False, True])
async def test_a_key_of_nothing_yet_that_is_made_while_its_person_is_erased_seals_on(cell, monkeypatch, away):
    order_id = await placed(cell)
    await over(cell, order_id)
    request_id, keys = await proved(cell), cell.services.data_keys
    (person,) = {state.person for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "data_key"}

    async def meanwhile():
        with monkeypatch.context() as patches:
            if away:
                listed_by_nobody(cell, patches)
            else:
                patches.setattr(cell.read_model, "data_keys", none_yet)
            forget(cell)
            await keys.of_person(person, "r")

    async def none_yet(person):
        return []

    at_first(cell, DestroyKey, meanwhile)
    told_of = await looked_twice(cell, request_id)
    # What came in between is noted by itself.
    assert [(one["counts"]["keys"], one["counts"]["orders"]) for one in told_of["done"]] == [(1, 1), (1, 0)]
    assert not any(state.wrapped for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "data_key")


async def looked_twice(cell, request_id):
    """The request after an erasure whose last look destroyed a key, so that it was looked once more."""
    first = await step(cell, request_id, "erase", "k-1")
    assert coded(first) == (503, "privacy.not_fresh")
    assert not any(state.wrapped for state in keys(cell).values())
    again = await step(cell, request_id, "erase", "k-1")
    assert again.status_code == 200, again.text
    assert again.json()["begun"] == []
    return again.json()


async def test_keys_of_references_that_nobody_named_are_passed_over_at_the_last_look(cell, monkeypatch):
    """Those of the orders that were erased, and of what has come since."""
    await over(cell, await placed(cell))
    request_id, keys, late = await proved(cell, customer_ref=None), cell.services.data_keys, []
    (person,) = {state.person for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "data_key"}

    async def meanwhile():
        with monkeypatch.context() as patches:
            listed_by_nobody(cell, patches)
            forget(cell)
            await keys.of_person(person, "r")
            late.append(await placed(cell, body(customer={"customer_ref": "another-1", "email": EMAIL})))
        await over(cell, *late)

    at_first(cell, DestroyKey, meanwhile)
    told_of = await looked_twice(cell, request_id)
    assert [(one["counts"]["keys"], one["counts"]["orders"]) for one in told_of["done"]] == [(1, 1), (2, 1)]
    assert not any(state.wrapped for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "data_key")


async def test_an_order_that_was_named_is_counted_twice_when_something_has_come_meanwhile(cell, monkeypatch):
    order_id = await placed(cell, order(order_ref="mkt-112-55", customer={}, ship_to=TO))
    await over(cell, order_id)
    request_id = await asked(cell, email=None, customer_ref=None, order_ids=[order_id])
    await stepped(cell, request_id, "confirm_identity", method="order_papers", evidence="case-4")
    (person,) = {state.person for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "data_key"}

    async def meanwhile():
        with monkeypatch.context() as patches:
            listed_by_nobody(cell, patches)
            forget(cell)
            await cell.services.data_keys.of_person(person, "r")

    at_first(cell, DestroyKey, meanwhile)
    told_of = await looked_twice(cell, request_id)
    assert [(one["counts"]["keys"], one["counts"]["orders"]) for one in told_of["done"]] == [(1, 1), (1, 0)]


async def test_somebody_elses_order_is_erased_because_it_came_when_the_persons_reference_was_forgotten(
    cell, monkeypatch
):
    await over(cell, await placed(cell))
    request_id, late = await proved(cell, customer_ref=None), []

    async def meanwhile():
        with monkeypatch.context() as patches:
            listed_by_nobody(cell, patches)
            forget(cell)
            # The same reference, without the person's address.
            late.append(await placed(cell, body(customer={"customer_ref": REF})))

    at_first(cell, DestroyKey, meanwhile)
    answer = await step(cell, request_id, "erase")
    assert (coded(answer), answer.json()["order_ids"]) == ((409, "privacy.person_ambiguous"), late)
    forget(cell)
    shown = (await cell.http.get(f"/v1/orders/{late[0]}", headers=cell.of_role("manager"))).json()
    assert shown["ship_to"] == TO


async def test_what_was_erased_is_counted_as_nothing_because_the_last_look_had_to_wait(cell):
    order_id = await placed(cell)
    await over(cell, order_id)
    request_id, fresh = await proved(cell), cell.gateway.fresh_ms

    async def meanwhile():
        cell.gateway.fresh_ms = lambda: 0

    at_first(cell, WithdrawConsents, meanwhile)
    refused = await step(cell, request_id, "erase", "k-1")
    assert (refused.status_code, refused.json()["code"]) == (503, "privacy.not_fresh")
    cell.gateway.fresh_ms = fresh
    again = await step(cell, request_id, "erase", "k-1")
    assert again.status_code == 200, again.text
    assert [(one["counts"]["keys"], one["counts"]["orders"]) for one in again.json()["done"]] == [(1, 1)]


@pytest.fixture
async def unfinished(cell, monkeypatch):
    """The request of an erasure whose last look had to wait; another key came before it."""
    await over(cell, await placed(cell))
    request_id, fresh = await proved(cell), cell.gateway.fresh_ms
    (person,) = {state.person for state in keys(cell).values()}

    async def meanwhile():
        with monkeypatch.context() as patches:
            listed_by_nobody(cell, patches)
            forget(cell)
            await cell.services.data_keys.of_person(person, "r")
        cell.gateway.fresh_ms = lambda: 0

    at_first(cell, WithdrawConsents, meanwhile)
    refused = await step(cell, request_id, "erase", "k-1")
    assert coded(refused) == (503, "privacy.not_fresh")
    cell.gateway.fresh_ms = fresh
    return request_id


def keys(cell):
    return {identity: state for (kind, identity), (state, _) in cell.gateway.entities.items() if kind == "data_key"}


@pytest.mark.parametrize("key", ["k-1", "k-2"])
async def test_an_erasure_is_completed_with_a_key_alive_or_a_key_is_destroyed_and_not_counted(cell, unfinished, key):
    assert coded(await step(cell, unfinished, "complete", "k-c")) == (409, "privacy.step_not_ended")
    again = await step(cell, unfinished, "erase", key)
    assert again.status_code == 200, again.text
    assert not any(state.wrapped for state in keys(cell).values())
    assert [one["counts"]["keys"] for one in again.json()["done"]] == [1, 1]
    assert again.json()["begun"] == []
    assert (await stepped(cell, unfinished, "complete"))["status"] == "completed"


async def test_the_same_call_again_counts_a_key_once_more_or_erases_what_came_after_its_end(cell, unfinished):
    again = await step(cell, unfinished, "erase", "k-1")
    await stepped(cell, unfinished, "complete")
    forget(cell)
    await placed(cell)
    once_more = await step(cell, unfinished, "erase", "k-1")
    assert once_more.json()["done"] == again.json()["done"]
    assert sum(bool(state.wrapped) for state in keys(cell).values()) == 1


async def test_a_request_is_completed_between_the_note_of_its_erasure_and_the_last_look(cell, monkeypatch):
    await over(cell, await placed(cell))
    request_id, completed = await proved(cell), []
    (person,) = {state.person for state in keys(cell).values()}
    asking = cell.gateway.ask

    async def key():
        with monkeypatch.context() as patches:
            listed_by_nobody(cell, patches)
            forget(cell)
            await cell.services.data_keys.of_person(person, "r")

    async def ask(kind, identity, command, *rest, **more):
        if type(command) is DestroyKey and more["command_id"].endswith(":again") and not completed:
            completed.append(coded(await step(cell, request_id, "complete", "k-c")))
        return await asking(kind, identity, command, *rest, **more)

    cell.gateway.ask = ask
    at_first(cell, WithdrawConsents, key)
    told_of = await looked_twice(cell, request_id)
    assert completed == [(409, "privacy.step_not_ended")]
    assert [one["counts"]["keys"] for one in told_of["done"]] == [1, 1]


@pytest.mark.parametrize("cut_short", [True, False])
async def test_to_lift_again_under_another_key_lifts_somebody_elses_restriction(cell, cut_short):
    await placed(cell)
    (state,) = keys(cell).values()
    state.requests = [""]
    request_id, fresh = await proved(cell, "gdpr", "restriction"), cell.gateway.fresh_ms
    await stepped(cell, request_id, "restrict")

    async def away():
        cell.gateway.fresh_ms = lambda: 0

    if cut_short:
        at_first(cell, Restrict, away)
    first = await step(cell, request_id, "lift_restriction", "k-1")
    assert first.status_code == (503 if cut_short else 200), first.text
    cell.gateway.fresh_ms = fresh
    again = await step(cell, request_id, "lift_restriction", "k-2")
    assert again.status_code == 200, again.text
    assert state.requests == [""]


async def test_to_lift_one_requests_restriction_lifts_one_of_before_requests_were_kept(cell):
    await placed(cell)
    (state,) = {key: state for key, (state, _) in cell.gateway.entities.items() if key[0] == "data_key"}.values()
    state.requests = [""]
    request_id = await proved(cell, "gdpr", "restriction")
    await stepped(cell, request_id, "restrict")
    assert len(state.requests) == 2
    await stepped(cell, request_id, "lift_restriction")
    assert state.requests == [""]


async def test_what_was_restricted_before_requests_were_kept_is_never_lifted(cell):
    await placed(cell)
    request_id = await proved(cell, "gdpr", "restriction")
    await stepped(cell, request_id, "restrict")
    (state,) = keys(cell).values()
    state.requests = [""]
    await stepped(cell, request_id, "lift_restriction")
    assert state.requests == []


@pytest.mark.parametrize("look_fails", [False, True])
async def test_a_key_that_is_settled_late_brings_back_what_was_lifted_meanwhile(cell, monkeypatch, look_fails):
    await placed(cell)
    request_id, keys = await proved(cell, "gdpr", "restriction"), cell.services.data_keys
    await stepped(cell, request_id, "restrict")
    (person,) = {state.person for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "data_key"}
    with monkeypatch.context() as patches:
        listed_by_nobody(cell, patches)
        forget(cell)
        made = await keys.of_person(person, "r")
    forget(cell)

    async def meanwhile():
        """Both looks of the other are over before the key takes that over."""
        await stepped(cell, request_id, "lift_restriction")
        if look_fails:
            cell.gateway.view = away

    async def away(kind, identity, *rest, **more):
        """The other key does not answer, once."""
        if kind == "data_key" and identity != made.key_id:
            cell.gateway.view = viewing
            return Reply(UNAVAILABLE, refusal("cell.unavailable"))
        return await viewing(kind, identity, *rest, **more)

    viewing = cell.gateway.view
    at_first(cell, SettleKey, meanwhile)
    assert (await keys.opened(made.key_id, "r")).restricted, "nobody knows yet"
    for last in (False, True):
        cell.clock.now += round(AWAY_S * 1000) + 1
        restricted = (await keys.opened(made.key_id, "r")).restricted
        assert restricted == (look_fails and not last)
    state, _ = cell.gateway.entities["data_key", made.key_id]
    assert state.requests == []
