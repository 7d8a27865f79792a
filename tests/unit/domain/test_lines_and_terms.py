"""Orders that wait in lines and were placed on terms: what comes of it when messages cross."""

from __future__ import annotations

from random import Random

import pytest

from actors.domain import location_waiting
from actors.domain.errors import Refused
from actors.domain.location_commands import ReceiptLine, ReceiveStock
from actors.domain.order_backorder import BackorderTerms
from actors.domain.order_commands import RetryAllocation, UpdateOrder
from actors.domain.order_state import due_of, missing_of
from actors.domain.order_terms_commands import ChangeOrder, LineChange
from actors.domain.order_terms_state import Terms
from tests.unit.domain.cart_rig import NOW_MS, Shop
from tests.unit.domain.test_order_waiting import line, place, shop_of, state

# No message begets more than a few others: so many are a circle.
MESSAGES_MAX = 3_000
TERMS = (None, Terms(ship_complete=True), Terms(groups=["g", "g"]), Terms(substitutes=[["s"], []]))


def delivered(shop: Shop) -> None:
    for _ in range(MESSAGES_MAX):
        if not shop.post:
            return
        shop.deliver()
    raise AssertionError(f"messages go round: {[type(one.message.command).__name__ for one in shop.post][:6]}")


def tried(shop: Shop, order_id: str, command, name: str) -> None:
    try:
        shop.do("order", order_id, command, name)
    except Refused:
        pass


def step(shop: Shop, random: Random, orders: list[str], name: str) -> None:
    """Something, drawn."""
    draw, order_id = random.random(), random.choice(orders)
    if shop.post and draw < 0.55:
        shop.deliver(random.randrange(len(shop.post)))
    elif draw < 0.65:
        shop.receive(random.choice(("near", "far")), random.choice("abs"), random.randint(1, 3))
    elif draw < 0.76:
        change = ChangeOrder([LineChange(random.randint(1, 2), random.randint(0, 3))])
        tried(shop, order_id, change, name)
    elif draw < 0.8:
        tried(shop, order_id, UpdateOrder("cancel"), name)
    elif draw < 0.86:
        tried(shop, order_id, UpdateOrder("allocate", places=shop.seen()), name)
    elif draw < 0.93:
        tried(shop, order_id, UpdateOrder(random.choice(("start_picking", "pack", "ship"))), name)
    else:
        shop.now_ms += random.choice((1, 30_000, 120_000))
        shop.fire_timers()


@pytest.mark.parametrize("seed", [*range(32), 108, 140])
def test_messages_go_round_or_units_stay_between_an_order_and_its_places(seed):
    random = Random(seed)
    shop = shop_of(
        near={"a": random.randint(0, 2), "b": random.randint(0, 2)},
        far={"a": random.randint(0, 2), "s": random.randint(0, 2)},
    )
    later = BackorderTerms({"a": NOW_MS + 60_000})
    orders = [
        place(
            shop, ("a", random.randint(1, 3)), ("b", random.randint(1, 2)),
            terms=random.choice(TERMS), backorder=random.choice((None, None, later)),
        )
        for _ in range(3)
    ]  # fmt: skip
    for number in range(60):
        step(shop, random, orders, f"x{number}")
    delivered(shop)
    for _ in range(60):
        due = [at for one in orders if (at := due_of(state(shop, one))) is not None]
        if not due:
            break
        shop.now_ms = max(shop.now_ms, min(due))
        shop.fire_timers()
        delivered(shop)
    shop.check()


def test_a_group_gives_its_turn_away_because_of_what_it_has_by_now():
    shop = shop_of()
    first = place(shop, ("a", 1), ("b", 1), ("c", 1), terms=Terms(groups=["g", "g", ""]))
    second = place(shop, ("a", 1), ("b", 1))
    delivered(shop)
    shop.receive("far", "c", 1)
    tried(shop, first, UpdateOrder("allocate", places=shop.seen()), "ask")
    shop.do("location", "near", ReceiveStock([ReceiptLine(sku, 1) for sku in "abc"]), "lorry")
    delivered(shop)
    assert {sku for f in state(shop, first).fulfilments for sku, _ in f.lines} == {"a", "b", "c"}
    assert line(shop, "near")[second] == {"a": 1, "b": 1}
    shop.check()


def test_a_cart_s_units_are_given_back_because_the_order_goes_whole_by_policy():
    shop = shop_of(near={"a": 1}, far={"b": 1})
    cart = shop.cart([("a", 1), ("b", 1)])
    delivered(shop)
    order_id = place(shop, ("a", 1), ("b", 1), reservation_id=cart, backorder=BackorderTerms(whole=True))
    delivered(shop)
    served = {f.location_id: f.lines for f in state(shop, order_id).fulfilments}
    assert served == {"near": [("a", 1)], "far": [("b", 1)]}
    shop.check()


def test_who_found_the_lines_full_never_asks_again(monkeypatch):
    monkeypatch.setattr(location_waiting, "WHOLE_MAX", 1)
    shop = shop_of()
    whole = BackorderTerms(whole=True)
    first, second = (place(shop, ("a", 1), plan=[], backorder=whole) for _ in range(2))
    delivered(shop)
    assert line(shop, "near") == {first: {"a": 1}}
    shop.receive("near", "a", 5)
    delivered(shop)
    due = due_of(state(shop, second))
    assert due is not None
    shop.now_ms = due
    shop.do("order", second, RetryAllocation(), "timer")
    delivered(shop)
    assert shop.order_view(second).status == "allocated"


@pytest.mark.parametrize("has_the_group", [True, False])
def test_an_order_waits_for_all_or_nothing_because_of_a_group_that_is_cancelled(has_the_group):
    shop = shop_of(near={"a": 1, "b": 1} if has_the_group else {})
    terms = Terms(groups=["g", "g", ""])
    order_id = place(shop, ("a", 1), ("b", 1), ("c", 3), plan=[("near", {"a": 1, "b": 1})], terms=terms)
    delivered(shop)
    shop.do("order", order_id, ChangeOrder([LineChange(1, 0), LineChange(2, 0)]), "cancel")
    delivered(shop)
    assert line(shop, "near")[order_id] == {"c": 3}
    shop.receive("near", "c", 1)
    delivered(shop)
    assert missing_of(state(shop, order_id)) == {"c": 2}
    shop.check()
