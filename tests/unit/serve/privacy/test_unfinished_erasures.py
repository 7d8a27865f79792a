"""An erasure is called done before everything is erased, stays half done for ever, or takes an address
that a parcel still needs."""

import pytest

from actors.domain.order_commands import ForgetPerson
from actors.runtime.wire import REFUSED, UNAVAILABLE, Reply
from tests.unit.serve.fake_gateway import refusal
from tests.unit.serve.post_office import bearer, coded, joined
from tests.unit.serve.privacy.office import (
    EMAIL,
    PATH,
    body,
    customer,
    exported,
    found,
    in_carts,
    kept,
    letters_left,
    opened,
    over,
    owners,
    placed,
    proved,
    step,
    stepped,
)
from tests.unit.serve.small_cell import order


async def test_a_parcel_on_its_way_loses_its_address(cell):
    _, orders = await customer(cell)
    await over(cell, *orders[:2])
    request_id = await proved(cell)
    before = cell.state()[0] | {("privacy_request", request_id): 0}
    answer = await step(cell, request_id, "erase")
    assert coded(answer) == (409, "privacy.orders_under_way")
    assert answer.json()["order_ids"] == [orders[2]]
    assert cell.state()[0] | {("privacy_request", request_id): 0} == before
    shown = (await cell.http.get(f"/v1/orders/{orders[2]}", headers=cell.of_role("manager"))).json()
    assert shown["ship_to"]["recipient"] == "Mia Quillfeather"
    left = (await cell.http.get(f"{PATH}/{request_id}", headers=cell.of_role("privacy"))).json()
    assert (left["begun"], left["done"]) == ([], [])
    assert coded(await step(cell, request_id, "complete")) == (409, "privacy.nothing_done")
    await over(cell, orders[2])
    assert (await stepped(cell, request_id, "erase"))["done"][0]["counts"]["orders"] == 3


@pytest.mark.parametrize("stops_at", ["data_key", "order", "customer", "reservation", "notice", "consent"])
async def test_an_erasure_that_was_cut_short_never_comes_to_its_end(cell, stops_at):
    tokens, orders = await customer(cell)
    await in_carts(cell, tokens, 2)
    cell.clock.now += 60_000
    await cell.plain("/v1/customers/codes", {"email": EMAIL})
    await over(cell, *orders)
    request_id, asking, left = await proved(cell), cell.gateway.ask, 1

    async def away(kind, *rest, **more):
        nonlocal left
        if kind == stops_at:
            left -= 1
            if left < 0 or kind in {"customer", "notice"}:
                return Reply(UNAVAILABLE, refusal("cell.unavailable"))
        return await asking(kind, *rest, **more)

    cell.gateway.ask = away
    answer = await step(cell, request_id, "erase", "k-1")
    assert answer.status_code == 503, answer.text
    cell.gateway.ask = asking
    assert (await cell.http.get(f"{PATH}/{request_id}", headers=cell.of_role("privacy"))).json()["begun"] == ["erase"]
    for key in ("k-1", "k-2"):
        again = await step(cell, request_id, "erase", key)
        assert again.status_code == 200, again.text
    assert opened(cell) == []
    assert found(kept(cell)) == []
    assert all(state.forgotten for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "order")
    assert letters_left(cell) == []
    assert owners(cell) == ["", ""]
    assert (await stepped(cell, request_id, "complete"))["status"] == "completed"


@pytest.mark.parametrize("stops_at", ["order", "notice", "consent"])
async def test_an_erasure_that_was_cut_short_leaves_what_waits_to_be_sent_of_an_order(cell, stops_at):
    """Of hers, and of somebody else's with her address, which lies under his key. By then none of them is found."""
    tom = await joined(cell, "tom@example.com")
    orders = [await placed(cell), await placed(cell, order(customer={"email": EMAIL}), **bearer(tom))]
    for order_id in orders:
        assert (await cell.plain("/v1/guest/codes", {"order_id": order_id, "email": EMAIL})).status_code == 202
    await over(cell, orders[0])
    request_id, asking, asked = await proved(cell), cell.gateway.ask, []

    async def away(kind, *rest, **more):
        if kind == stops_at:
            asked.append(kind)
            # Of both orders it may be the second at which it stops.
            if len(asked) > (kind == "order"):
                return Reply(UNAVAILABLE, refusal("cell.unavailable"))
        return await asking(kind, *rest, **more)

    cell.gateway.ask = away
    assert coded(await step(cell, request_id, "erase")) == (503, "cell.unavailable")
    cell.gateway.ask = asking
    await stepped(cell, request_id, "erase")
    notices = [state for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "notice"]
    assert [state.about for state in notices if state.sealed_address and state.about in orders] == []


async def test_a_refused_erasure_looks_begun(cell):
    _, orders = await customer(cell)
    request_id = await proved(cell)
    assert coded(await step(cell, request_id, "erase")) == (409, "privacy.orders_under_way")
    told = (await cell.http.get(f"{PATH}/{request_id}", headers=cell.of_role("privacy"))).json()
    assert (told["begun"], told["status"]) == ([], "confirmed")
    assert [one for one in cell.gateway.audited if "begin_erase" in repr(one)] == []
    await over(cell, *orders)
    assert (await stepped(cell, request_id, "erase"))["done"][-1]["step"] == "erase"


async def test_an_order_that_is_placed_between_the_look_and_the_beginning_is_erased_on_its_way(cell):
    await over(cell, await placed(cell))
    request_id = await proved(cell)
    asking, placed_since = cell.gateway.ask, []

    async def late(kind, identity, command, *rest, **more):
        if "BeginStep" in repr(command):
            cell.gateway.ask = asking
            placed_since.append(await placed(cell))
        return await asking(kind, identity, command, *rest, **more)

    cell.gateway.ask = late
    answer = await step(cell, request_id, "erase")
    assert (coded(answer), answer.json()["order_ids"]) == ((409, "privacy.orders_under_way"), placed_since)
    assert all(not state.forgotten for (kind, _), (state, _) in cell.gateway.entities.items() if kind == "order")
    assert opened(cell) != []


def fall_behind(cell, monkeypatch):
    """The drain does not get on: a minute later lists have only what was there when it stopped."""
    since = cell.clock.now
    orders = set(cell.gateway.orders)
    keys = {identity for kind, identity in cell.gateway.entities if kind == "data_key"}
    all_orders, all_keys = cell.read_model.orders, cell.read_model.data_keys

    async def old_orders(**asked):
        return [one for one in await all_orders(**asked) if one.order_id in orders]

    async def old_keys(person):
        return [one for one in await all_keys(person) if one.key_id in keys]

    monkeypatch.setattr(cell.read_model, "orders", old_orders)
    monkeypatch.setattr(cell.read_model, "data_keys", old_keys)
    monkeypatch.setattr(cell.gateway, "fresh_ms", lambda: since)
    cell.clock.now += 60_000


@pytest.mark.parametrize(
    ("right", "name", "more"),
    [
        ("erasure", "erase", {}), ("restriction", "restrict", {}), ("access", "", {}),
        ("rectification", "rectify", {"correction": {"phone": "+1 206 555 0188"}}),
    ],
)  # fmt: skip
async def test_what_is_not_written_behind_yet_is_passed_over_and_all_is_called_done(
    cell, monkeypatch, right, name, more
):
    first = await placed(cell, body(customer={"email": EMAIL}))
    await over(cell, first)
    with monkeypatch.context() as meanwhile:
        fall_behind(cell, meanwhile)
        late = await placed(cell)  # by a reference: under a key that the store has not heard of either
        under_way = await placed(cell, body(customer={"email": EMAIL}))
        request_id = await proved(cell, "gdpr", right)
        before = cell.state()[0] | {("privacy_request", request_id): 0}
        if more:
            more = {"order_id": late, **more}
        answer = await (step(cell, request_id, name, **more) if name else exported(cell, request_id))
        assert coded(answer) == (503, "privacy.not_fresh")
        assert "retry-after" in answer.headers
        assert cell.state()[0] | {("privacy_request", request_id): 0} == before
        meanwhile.setattr(cell.gateway, "fresh_ms", lambda: None)
        assert (await (step(cell, request_id, name, **more) if name else exported(cell, request_id))).status_code == 503
    # It has caught up.
    if name == "erase":
        answer = await step(cell, request_id, name)
        assert (coded(answer), answer.json()["order_ids"]) == (
            (409, "privacy.orders_under_way"),
            sorted([late, under_way], reverse=True),
        )
        await over(cell, late, under_way)
    answer = await (step(cell, request_id, name, **more) if name else exported(cell, request_id))
    assert answer.status_code == 200, answer.text
    if name == "erase":
        assert opened(cell) == []


async def test_a_restriction_is_lifted_from_what_is_written_behind_alone(cell, monkeypatch):
    """The rest would stay restricted for good."""
    await placed(cell)
    request_id = await proved(cell, "gdpr", "restriction")
    await stepped(cell, request_id, "restrict")
    with monkeypatch.context() as meanwhile:
        fall_behind(cell, meanwhile)
        assert coded(await step(cell, request_id, "lift_restriction")) == (503, "privacy.not_fresh")
    assert [one["step"] for one in (await stepped(cell, request_id, "lift_restriction"))["done"]][1:] == [
        "lift_restriction"
    ]


async def test_an_order_that_goes_on_its_way_while_its_person_is_erased_is_called_erased(cell):
    first, second = await placed(cell), await placed(cell)
    await over(cell, first, second)
    request_id, asking = await proved(cell), cell.gateway.ask

    async def changed(kind, identity, command, *rest, **more):
        if (identity, type(command)) == (first, ForgetPerson):
            return Reply(REFUSED, refusal("order.under_way"))
        return await asking(kind, identity, command, *rest, **more)

    cell.gateway.ask = changed
    answer = await step(cell, request_id, "erase")
    assert (coded(answer), answer.json()["order_ids"]) == ((409, "privacy.orders_under_way"), [first])
    # All else was done.
    assert [cell.gateway.entities["order", name][0].forgotten for name in (first, second)] == [False, True]
    left = (await cell.http.get(f"{PATH}/{request_id}", headers=cell.of_role("privacy"))).json()
    assert (left["begun"], left["done"]) == (["erase"], [])
    cell.gateway.ask = asking
    assert [one["step"] for one in (await stepped(cell, request_id, "erase"))["done"]] == ["erase"]
    assert cell.gateway.entities["order", first][0].forgotten


async def test_a_repeated_call_is_answered_otherwise(cell):
    _, orders = await customer(cell)
    await over(cell, *orders)
    request_id = await proved(cell)
    first = await step(cell, request_id, "erase", "k-1")
    assert (await step(cell, request_id, "erase", "k-1")).json() == first.json()
