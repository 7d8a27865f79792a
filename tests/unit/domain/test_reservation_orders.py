"""Carts that are ordered, by example: what the order gets of them, and what becomes of the rest."""

from __future__ import annotations

import pytest

from actors.domain import ids, order
from actors.domain.allocation import Place
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.location_commands import Convert, Unreserve
from actors.domain.order_commands import CartAnswered, PlaceOrder, UpdateOrder
from actors.domain.order_state import Line, ShipTo
from actors.domain.reservation_commands import ClaimReservation, HeldPart, ReleaseReservation
from tests.unit.domain.cart_rig import DAY_MS, LOTTED, NOW_MS, Shop
from tests.unit.domain.reservation_rig import HOUR_MS, refused, reserved


def test_an_order_does_not_get_what_its_cart_had():
    shop = Shop(near={"a": 1}, far={"a": 5})
    cart = shop.cart([("a", 5)], places=[Place("far", {"a": 5})])
    shop.deliver_all()
    order_id = shop.place([("a", 5)], cart, places=[])
    assert shop.order_view(order_id).status == "placed"
    shop.deliver_all()
    assert shop.order_view(order_id).status == "allocated"
    assert [(f.location_id, f.lines[0].quantity) for f in shop.order_view(order_id).fulfilments] == [("far", 5)]
    assert (shop.stock("far").reserved, shop.stock("far").allocated) == (0, 5)
    view = shop.cart_view(cart)
    assert (view.status, view.order_id, view.lines[0].held) == ("converted", order_id, 5)
    assert shop.answers[f"order-{shop.made}"] == shop.order_view(order_id)


def test_what_the_order_wants_besides_is_not_asked_for_or_what_it_does_not_want_is_kept():
    shop = Shop(near={"a": 2, "b": 4}, far={"a": 9, "b": 0, "c": 3})
    cart = shop.cart([("a", 2), ("b", 4)])
    shop.deliver_all()
    assert reserved(shop, "near", "far") == [2, 0]
    order_id = shop.place([("a", 4), ("b", 1), ("c", 1)], cart)
    shop.deliver_all()
    assert shop.order_view(order_id).status == "allocated"
    placed = {(f.location_id, u.sku): u.quantity for f in shop.order_view(order_id).fulfilments for u in f.lines}
    assert placed == {("near", "a"): 2, ("near", "b"): 1, ("far", "a"): 2, ("far", "c"): 1}
    assert (shop.stock("near", "b").reserved, shop.stock("near", "b").available) == (0, 3)
    shop.check()


def test_an_order_of_fewer_than_its_cart_had_gets_more_from_another_place():
    shop = Shop(near={"a": 2}, far={"a": 2})
    cart = shop.cart([("a", 4)], places=[Place("near", {"a": 2}), Place("far", {"a": 2})])
    shop.deliver_all()
    order_id = shop.place([("a", 3)], cart)
    shop.deliver_all().check()
    assert [f.lines[0].quantity for f in shop.order_view(order_id).fulfilments] == [2, 1]
    assert (shop.stock("far").allocated, shop.stock("far").available) == (1, 1)


def test_who_places_an_order_with_a_cart_is_answered_before_it_has_its_units():
    shop = Shop(near={"a": 2})
    cart = shop.cart([("a", 2)])
    shop.deliver_all()
    command = PlaceOrder("", "online", "", "US", ShipTo("US"), "USD", [Line("a", 2, 1)], [], reservation_id=cart)
    assert order.decide(None, command, Context("us-o", "key", NOW_MS)).provisional
    order_id = shop.place([("a", 2)], cart)
    shop.deliver()
    assert not shop.entities["order", order_id][0].short
    assert f"order-{shop.made}" not in shop.answers
    shop.deliver()
    assert shop.answers[f"order-{shop.made}"].status == "allocated"


def test_an_order_gets_other_lots_than_its_cart_had():
    shop = Shop(near={LOTTED: 4})
    cart = shop.cart([(LOTTED, 1)])
    shop.deliver_all()
    (before,) = map(dict, shop.entities["location", "near"][0].claims.values())
    order_id = shop.place([(LOTTED, 1)], cart)
    shop.deliver_all()
    assert shop.entities["location", "near"][0].claims == {f"{order_id}.1": before}


def test_an_order_gets_what_has_ended_in_its_cart():
    shop = Shop(near={LOTTED: 4}, far={LOTTED: 4})
    # A minute before the first lots end.
    shop.now_ms = (shop.now_ms // DAY_MS + 2) * DAY_MS - 60_000
    cart = shop.cart([(LOTTED, 4)], places=[Place("near", {LOTTED: 4})])
    shop.deliver_all()
    shop.now_ms += 120_000
    order_id = shop.place([(LOTTED, 4)], cart, places=[Place("far", {LOTTED: 2})])
    shop.deliver_all()
    # Two of the cart's four ended: the order asked the other place for as many.
    placed = {f.location_id: f.lines[0].quantity for f in shop.order_view(order_id).fulfilments}
    assert placed == {"near": 2, "far": 2}
    for name in ("near", "far"):
        lots = shop.entities["location", name][0].lots[LOTTED]
        assert {lot.allocated for key, lot in lots.items() if key.startswith("soon")} == {0}


def test_an_order_is_split_over_more_places_than_it_may_be():
    shop = Shop(**{f"l{n}": {"a": 1} for n in range(5)})
    cart = shop.cart([("a", 3)])
    shop.deliver_all()
    order_id = shop.place([("a", 5)], cart)
    shop.deliver_all()
    assert (len(shop.order_view(order_id).fulfilments), shop.order_view(order_id).status) == (3, "partly_allocated")
    assert shop.entities["order", order_id][0].retry_at_ms > NOW_MS


@pytest.mark.parametrize("fate", ["expired", "released", "converted", "unknown"])
def test_an_order_waits_for_ever_for_a_cart_that_is_gone(fate):
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 2)])
    shop.deliver_all()
    if fate == "converted":
        shop.place([("a", 2)], cart)
    elif fate == "released":
        shop.do("reservation", cart, ReleaseReservation())
    elif fate == "expired":
        shop.now_ms += HOUR_MS
        shop.fire_timers()
    else:
        cart = ids.reservation_id("us", NOW_MS, "another")
    shop.deliver_all()
    order_id = shop.place([("a", 3)], cart)
    shop.deliver_all()
    assert shop.order_view(order_id).status == "allocated"
    assert shop.answers[f"order-{shop.made}"].status == "allocated"
    shop.check()


def test_an_order_with_a_cart_that_is_gone_and_nothing_else_waits_for_ever():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 2)])
    shop.do("reservation", cart, ReleaseReservation())
    order_id = shop.place([("a", 3)], cart, places=[Place("near", {})])
    shop.deliver_all()
    assert shop.answers[f"order-{shop.made}"].status == "backordered"
    assert shop.order_view(order_id).status == "allocated"


def test_an_order_is_placed_though_its_cart_was_seen_to_be_over():
    shop = Shop(near={"a": 5})
    with pytest.raises(Refused) as raised:
        shop.place([("a", 3)], "us-resv-x", unclaimable="reservation.expired")
    assert raised.value.body.code == "reservation.expired"
    assert raised.value.body.extra == {"reservation_id": "us-resv-x"}
    assert (shop.post, [kind for kind, _ in shop.entities]) == ([], ["location"])


def test_another_order_gets_the_same_cart_or_the_same_order_another_answer():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)])
    shop.deliver_all()
    claim = ClaimReservation("us-one", [("a", 2)])
    first = shop.do("reservation", cart, claim)
    assert first.parts == [HeldPart("near", [("a", 2)])]
    shop.now_ms += 100 * HOUR_MS
    shop.fire_timers()
    assert shop.do("reservation", cart, claim) == first
    assert refused(shop, cart, ClaimReservation("us-two", [("a", 2)])) == "reservation.converted"
    assert refused(shop, cart, ReleaseReservation()) == "reservation.converted"
    assert [posted.message.command for posted in shop.post] == [Unreserve(cart, [("a", 1)])]


def test_a_cart_that_is_ordered_while_locations_are_asked_keeps_what_comes_late():
    shop = Shop(near={"a": 5}, far={"a": 5})
    cart = shop.cart([("a", 8)])
    shop.deliver()
    order_id = shop.place([("a", 8)], cart, places=[])
    claim = next(posted for posted in shop.post if type(posted.message.command) is ClaimReservation)
    shop.deliver(shop.post.index(claim))
    assert shop.answers["cart-1"].status == "converted"
    shop.deliver_all().check()
    assert shop.order_view(order_id).status == "partly_allocated"
    assert reserved(shop, "near", "far") == [0, 0]


@pytest.mark.parametrize("delivered", [0, 1, 2])
def test_an_order_that_is_cancelled_keeps_what_its_cart_had(delivered):
    """Before the claim, after it, and after its units were converted."""
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)])
    shop.deliver_all()
    order_id = shop.place([("a", 3)], cart)
    for _ in range(delivered):
        shop.deliver()
    assert "allocate" not in order_allowed(shop, order_id)
    shop.do("order", order_id, UpdateOrder("cancel"))
    shop.deliver_all().check()
    assert (shop.stock("near").available, shop.order_view(order_id).status) == (5, "cancelled")
    assert shop.entities["order", order_id][0].claiming == ""


def order_allowed(shop: Shop, order_id: str) -> list[str]:
    with pytest.raises(Refused) as raised:
        shop.do("order", order_id, UpdateOrder("allocate", places=shop.seen()))
    return raised.value.body.extra["allowed"]


def test_a_cart_that_answers_twice_is_taken_twice():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)])
    shop.deliver_all()
    order_id = shop.place([("a", 3)], cart)
    shop.deliver()
    shop.do("order", order_id, CartAnswered(cart, [HeldPart("near", [("a", 3)])]))
    assert [type(posted.message.command) for posted in shop.post] == [Convert]
    shop.deliver_all().check()
