"""What comes while its person is erased outlives her: an order that was sealed before its key was destroyed, a cart of
the same moment. No key lives on that would tell of it."""

import pytest

from actors.domain.consent import WithdrawConsents
from actors.domain.data_key import DestroyKey
from serve.privacy.erasure import HEARD_S
from tests.unit.serve.post_office import bearer, coded
from tests.unit.serve.privacy.office import (
    PATH,
    at_first,
    body,
    customer,
    found,
    in_carts,
    kept,
    over,
    owners,
    placed,
    proved,
    step,
    stepped,
)


def counted(told, *names):
    return [tuple(one["counts"][name] for name in names) for one in told["done"]]


@pytest.fixture
async def late(cell):
    """The request, and an order that came after those of its person were looked for."""
    await over(cell, await placed(cell))
    request_id, orders = await proved(cell), []

    async def meanwhile():
        orders.append(await placed(cell))

    at_first(cell, DestroyKey, meanwhile)
    return request_id, orders


@pytest.mark.parametrize("key", ["k-1", "k-2"])
async def test_an_order_that_is_sealed_before_its_key_is_destroyed_is_neither_erased_nor_named(cell, late, key):
    request_id, orders = late
    answer = await step(cell, request_id, "erase", "k-1")
    assert (coded(answer), answer.json()["order_ids"]) == ((409, "privacy.orders_under_way"), orders)
    assert coded(await step(cell, request_id, "complete")) == (409, "privacy.step_not_ended")
    await over(cell, *orders)
    again = await step(cell, request_id, "erase", key)
    assert again.status_code == 200, again.text
    assert counted(again.json(), "keys", "orders") == [(1, 1), (0, 1)]
    assert again.json()["begun"] == []
    assert found(kept(cell)) == []
    assert (await stepped(cell, request_id, "complete"))["status"] == "completed"


async def test_an_order_that_is_over_already_is_passed_over_by_the_last_look(cell, late):
    request_id, orders = late

    async def cancelled():
        await over(cell, *orders)

    at_first(cell, WithdrawConsents, cancelled)
    assert counted(await stepped(cell, request_id, "erase"), "keys", "orders") == [(1, 1), (0, 1)]
    assert cell.gateway.entities["order", orders[0]][0].forgotten


async def test_the_last_look_comes_before_every_replica_has_heard_that_the_key_is_destroyed(cell, monkeypatch):
    await over(cell, await placed(cell))
    request_id, orders, sleep = await proved(cell), [], cell.services.clock.sleep

    async def asleep(seconds):
        if seconds == HEARD_S:
            orders.append(await placed(cell))
        await sleep(seconds)

    monkeypatch.setattr(cell.services.clock, "sleep", asleep)
    answer = await step(cell, request_id, "erase")
    assert (coded(answer), answer.json()["order_ids"]) == ((409, "privacy.orders_under_way"), orders)
    told = (await cell.http.get(f"{PATH}/{request_id}", headers=cell.of_role("privacy"))).json()
    assert told["begun"] == ["erase"]


async def test_a_cart_of_the_same_moment_tells_whose_it_was(cell, monkeypatch):
    tokens, orders = await customer(cell)
    await over(cell, *orders)
    await in_carts(cell, tokens)
    request_id, listing, asked = await proved(cell), cell.read_model.reservations_of, []

    async def not_yet(customer_id, **more):
        asked.append(customer_id)
        # It was under way when the account was erased.
        return [] if asked.count(customer_id) == 1 else await listing(customer_id, **more)

    monkeypatch.setattr(cell.read_model, "reservations_of", not_yet)
    assert counted(await stepped(cell, request_id, "erase"), "reservations") == [(0,), (1,)]
    assert owners(cell) == [""]


async def test_another_account_s_order_of_the_same_moment_keeps_her_address(cell):
    tokens, orders = await customer(cell)
    await over(cell, *orders)
    request_id = await proved(cell, email="mia.other@example.org", customer_ref=None)

    async def meanwhile():
        await placed(cell, body(customer={"email": "mia.other@example.org"}), **bearer(tokens))

    at_first(cell, WithdrawConsents, meanwhile)
    assert counted(await stepped(cell, request_id, "erase"), "of_others") == [(0,), (1,)]
