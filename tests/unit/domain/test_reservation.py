"""Carts by example: what they get. `test_carts_and_orders.py` lets messages, clocks and crashes do
what they like to many."""

from __future__ import annotations

import pytest

from actors.domain import ids, reservation
from actors.domain.allocation import Place
from actors.domain.errors import Refused
from actors.domain.location_commands import Reserve
from actors.domain.reservation_commands import (
    ClaimReservation,
    ExpireReservation,
    ExtendReservation,
    HoldAnswered,
    MakeReservation,
    ReleaseReservation,
)
from tests.unit.domain.cart_rig import NOW_MS, Shop
from tests.unit.domain.reservation_rig import HOUR_MS, refused, reserved, statuses


def test_a_cart_has_nothing_or_hears_nothing():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 2), ("a", 1)])
    assert statuses(shop, cart) == ("asking", {"a": 0})
    shop.deliver_all()
    assert (statuses(shop, cart), reserved(shop, "near")) == (("held", {"a": 3}), [3])
    assert shop.answers["cart-1"] == shop.cart_view(cart)
    assert shop.stock("near").available == 2


def test_what_a_cart_has_is_sold_to_somebody_else():
    shop = Shop(near={"a": 2})
    shop.cart([("a", 2)])
    shop.deliver_all()
    order_id = shop.place([("a", 1)], places=[Place("near", {"a": 2})])
    shop.deliver_all()
    assert shop.order_view(order_id).status == "backordered"


def test_a_cart_that_takes_what_there_is_gets_nothing_or_more():
    shop = Shop(near={"a": 1}, far={"a": 1})
    cart = shop.cart([("a", 5)])
    shop.deliver_all()
    assert (statuses(shop, cart), reserved(shop, "near", "far")) == (("partly_held", {"a": 2}), [1, 1])


def test_a_place_that_had_less_than_was_seen_is_not_made_up_for_by_another():
    shop = Shop(near={"a": 1}, far={"a": 5})
    cart = shop.cart([("a", 4)], places=[Place("near", {"a": 4}), Place("far", {"a": 5})])
    shop.deliver_all()
    assert (statuses(shop, cart), reserved(shop, "near", "far")) == (("held", {"a": 4}), [1, 3])


def test_a_cart_is_spread_over_more_places_than_an_order_may_be():
    shop = Shop(**{f"l{n}": {"a": 1} for n in range(5)})
    cart = shop.cart([("a", 5)], places=[Place(f"l{n}", {"a": 2}) for n in range(5)])
    shop.deliver_all()
    assert statuses(shop, cart) == ("partly_held", {"a": 3})
    assert sum(reserved(shop, *(f"l{n}" for n in range(5)))) == 3


def test_all_or_nothing_keeps_a_part():
    shop = Shop(near={"a": 3}, far={"a": 1})
    cart = shop.cart([("a", 5)], whole=True, places=[Place("near", {"a": 3}), Place("far", {"a": 2})])
    shop.deliver_all()
    view = shop.cart_view(cart)
    assert (view.status, view.parts, reserved(shop, "near", "far")) == ("refused", [], [0, 0])
    assert [(line.sku, line.quantity) for line in view.missing] == [("a", 2)]
    assert shop.answers["cart-1"].status == "refused"


@pytest.mark.parametrize(("seen", "gets"), [(4, [3, 1, 1]), (3, [3, 2, 0])])
def test_all_or_nothing_over_several_places_is_refused_though_they_have_it_together(seen, gets):
    shop = Shop(near={"a": 3}, far={"a": 2}, farther={"a": 1})
    known = [Place(name, {"a": units}) for name, units in (("near", seen), ("far", 2), ("farther", 1))]
    cart = shop.cart([("a", 5)], whole=True, places=known)
    shop.deliver_all()
    assert (statuses(shop, cart), reserved(shop, "near", "far", "farther")) == (("held", {"a": 5}), gets)


@pytest.mark.parametrize("whole", [False, True])
def test_places_that_seem_to_have_too_little_are_asked(whole):
    shop = Shop(near={"a": 5})
    seen = [Place("near", {"a": 1})] if whole else [Place("near", {})]
    cart = shop.cart([("a", 3)], whole=whole, places=seen)
    assert (shop.post, shop.cart_view(cart).status) == ([], "refused")
    assert [line.quantity for line in shop.cart_view(cart).missing] == [2 if whole else 3]


def test_a_place_that_there_is_not_holds_a_cart_up():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)], places=[Place("nowhere", {"a": 5}), Place("near", {"a": 5})])
    (posted,) = shop.post
    answer = reservation.on_reply(posted.message, b'{"code":"location.unknown","detail":""}', True)
    shop.post.clear()
    shop.do("reservation", cart, answer)
    shop.deliver_all()
    assert statuses(shop, cart) == ("held", {"a": 3})


def test_a_location_is_not_told_for_which_channel_and_how_long_lots_must_last():
    shop = Shop(near={"a": 5})
    shop.cart([("a", 3)], whole=True, life_days={"a": 30})
    (posted,) = shop.post
    assert posted.message.command == Reserve(posted.sender[1], [("a", 3)], "online", True, {"a": 30})


def test_nobody_finds_a_cart_that_there_is_not():
    shop = Shop()
    for command in (
        HoldAnswered("near", []), ExtendReservation(1), ReleaseReservation(), ExpireReservation(), ClaimReservation("us-o", [])
    ):  # fmt: skip
        with pytest.raises(Refused) as raised:
            shop.do("reservation", "us-resv-x", command)
        assert raised.value.body.code == "reservation.unknown"
    assert reservation.restore("us-resv-x", {}) is None


def test_a_cart_is_made_twice_under_one_id():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)])
    assert refused(shop, cart, MakeReservation([("a", 1)], [], "online", 60_000)) == "reservation.exists"


def test_an_id_changes_its_shard_when_the_call_is_repeated_later():
    first, later = (ids.reservation_id("us", at, "key-1") for at in (NOW_MS, NOW_MS + HOUR_MS))
    assert ids.RESERVATION_PATTERN.match(first)
    assert ids.routing_part("reservation", later) == ids.routing_part("reservation", first)
    assert ids.routing_part("reservation", first) != ids.routing_part(
        "reservation", ids.reservation_id("us", NOW_MS, "key-2")
    )
