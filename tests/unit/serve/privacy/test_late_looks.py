"""What comes while its person is erased outlives her: an order that was sealed before its key was destroyed, a cart of
the same moment. No key lives on that would tell of it."""

import asyncio

import pytest

from actors.domain.consent import WithdrawConsents
from actors.domain.data_key import DestroyKey
from actors.domain.order_commands import PlaceOrder
from serve.privacy.erasure import HEARD_S
from tests.unit.serve.post_office import bearer, coded
from tests.unit.serve.privacy.office import (
    EMAIL,
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


async def shown(cell, request_id):
    return (await cell.http.get(f"{PATH}/{request_id}", headers=cell.of_role("privacy"))).json()


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
        if seconds >= HEARD_S:
            orders.append(await placed(cell))
        await sleep(seconds)

    monkeypatch.setattr(cell.services.clock, "sleep", asleep)
    answer = await step(cell, request_id, "erase")
    assert (coded(answer), answer.json()["order_ids"]) == ((409, "privacy.orders_under_way"), orders)
    assert (await shown(cell, request_id))["begun"] == ["erase"]


class OnTheWay:
    """An order that is sealed at once and arrives when its host answers at last, as after a takeover of its shard."""

    def __init__(self, cell, monkeypatch):
        self.cell, self.orders, self.at_wake = cell, [], []
        self._asking, self._sleeping = cell.gateway.ask, cell.services.clock.sleep
        self._placed = None
        monkeypatch.setattr(cell.gateway, "ask", self._ask)
        monkeypatch.setattr(cell.services.clock, "sleep", self._sleep)

    async def send(self):
        """Returns when it is sealed. It arrives when nothing could come any later."""
        self._sealed, self._answers = asyncio.Event(), asyncio.Event()
        self._latest = self.cell.clock.now + round(1000 * (HEARD_S + self.cell.services.settings.tried_s))
        self._placed = asyncio.ensure_future(placed(self.cell))
        await self._sealed.wait()

    async def _ask(self, kind, entity_id, command, **more):
        if type(command) is PlaceOrder and self._placed is not None:
            self._sealed.set()
            await self._answers.wait()
        return await self._asking(kind, entity_id, command, **more)

    async def _sleep(self, seconds):
        await self._sleeping(seconds)
        if self._placed is not None and self.cell.clock.now >= self._latest:
            self._answers.set()
            self.orders.append(await self._placed)
            self._placed = None
        if seconds >= HEARD_S:
            for work in self.at_wake:
                await work()
            self.at_wake.clear()


@pytest.fixture
async def on_the_way(cell, monkeypatch):
    await over(cell, await placed(cell))
    return await proved(cell), OnTheWay(cell, monkeypatch)


async def erased_when_over(cell, request_id, orders):
    """The step was refused for these; then it comes to its end, and the orders tell of nobody."""
    assert coded(await step(cell, request_id, "complete")) == (409, "privacy.step_not_ended")
    await over(cell, *orders)
    answer = await step(cell, request_id, "erase", "k-1")
    assert answer.status_code == 200, answer.text
    assert cell.gateway.entities["order", orders[0]][0].forgotten
    assert found(kept(cell)) == []
    assert (await stepped(cell, request_id, "complete"))["status"] == "completed"


async def test_an_order_that_was_sealed_in_time_arrives_after_the_last_look_and_stays_hers(cell, on_the_way):
    request_id, late = on_the_way
    await late.send()
    answer = await step(cell, request_id, "erase", "k-1")
    assert (coded(answer), answer.json().get("order_ids")) == ((409, "privacy.orders_under_way"), late.orders)
    await erased_when_over(cell, request_id, late.orders)


async def test_an_order_of_a_key_that_the_last_look_destroys_arrives_after_it_and_stays_hers(cell, on_the_way):
    request_id, late = on_the_way
    late.at_wake.append(late.send)
    answer = await step(cell, request_id, "erase", "k-1")
    assert coded(answer) == (503, "privacy.not_fresh")
    assert "retry-after" in answer.headers
    assert counted((await shown(cell, request_id)), "keys", "orders") == [(1, 1), (1, 0)]
    answer = await step(cell, request_id, "erase", "k-1")
    assert (coded(answer), answer.json()["order_ids"]) == ((409, "privacy.orders_under_way"), late.orders)
    await erased_when_over(cell, request_id, late.orders)


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


async def test_a_message_of_the_same_moment_is_still_sent(cell, monkeypatch):
    _, orders = await customer(cell)
    await over(cell, *orders)
    request_id, listing, destroyed = await proved(cell), cell.read_model.pending_notices, []
    cell.clock.now += 60_000
    assert (await cell.plain("/v1/customers/codes", {"email": EMAIL})).status_code == 202

    async def not_yet(*asked):
        return await listing(*asked) if destroyed else []

    async def noted():
        destroyed.append(None)

    monkeypatch.setattr(cell.read_model, "pending_notices", not_yet)
    at_first(cell, DestroyKey, noted)
    assert counted(await stepped(cell, request_id, "erase"), "notices") == [(0,), (2,)]
    notices = [state for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "notice"]
    assert [state.sealed_address for state in notices] == [b"", b""]


async def test_another_account_s_order_of_the_same_moment_keeps_her_address(cell):
    tokens, orders = await customer(cell)
    await over(cell, *orders)
    request_id = await proved(cell, email="mia.other@example.org", customer_ref=None)

    async def meanwhile():
        await placed(cell, body(customer={"email": "mia.other@example.org"}), **bearer(tokens))

    at_first(cell, WithdrawConsents, meanwhile)
    assert counted(await stepped(cell, request_id, "erase"), "of_others") == [(0,), (1,)]
