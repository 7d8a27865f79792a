"""Carts by example. `test_carts_and_orders.py` lets messages, clocks and crashes do what they like to many."""

from __future__ import annotations

import pytest

from actors.domain import ids, order, reservation
from actors.domain.allocation import Place
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.location_commands import Convert, Reserve, Unreserve
from actors.domain.order_commands import CartAnswered, PlaceOrder, UpdateOrder
from actors.domain.order_state import Line, ShipTo
from actors.domain.reservation_commands import (
    ClaimReservation,
    ExpireReservation,
    ExtendReservation,
    ForgetOwner,
    HeldPart,
    HoldAnswered,
    MakeReservation,
    ReleaseReservation,
)
from actors.domain.reservation_state import ViewReservation
from tests.unit.domain.cart_rig import LOTTED, MIA, NOW_MS, TOM, Shop

HOUR_MS = 3_600_000


def refused(shop: Shop, cart: str, command) -> str:
    before = shop.entities["reservation", cart]
    with pytest.raises(Refused) as raised:
        shop.do("reservation", cart, command)
    assert shop.entities["reservation", cart] == before
    return raised.value.body.code


def statuses(shop: Shop, cart: str) -> tuple[str, dict[str, int]]:
    view = shop.cart_view(cart)
    return view.status, {line.sku: line.held for line in view.lines}


def reserved(shop: Shop, *names: str) -> list[int]:
    return [shop.stock(name).reserved for name in names]


# --- what a cart gets
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


# --- its time
def test_a_cart_keeps_its_units_after_its_time_or_loses_them_before():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)], ttl_s=60)
    shop.deliver_all()
    assert reservation.RESERVATION.due(shop.entities["reservation", cart][0]) == NOW_MS + 60_000
    shop.now_ms += 59_999
    shop.do("reservation", cart, ExpireReservation())
    assert statuses(shop, cart)[0] == "held"
    shop.now_ms += 1
    shop.fire_timers()
    assert (statuses(shop, cart), reserved(shop, "near")) == (("expired", {"a": 0}), [3])
    shop.deliver_all()
    assert (reserved(shop, "near"), reservation.RESERVATION.due(shop.entities["reservation", cart][0])) == ([0], None)


@pytest.mark.parametrize("ending", [ExpireReservation(), ReleaseReservation()])
def test_what_is_reserved_after_the_end_is_kept(ending):
    shop = Shop(near={"a": 5}, far={"a": 5})
    cart = shop.cart([("a", 8)])
    shop.deliver()
    shop.now_ms += HOUR_MS
    shop.do("reservation", cart, ending)
    over = statuses(shop, cart)[0]
    shop.deliver_all()
    assert (reserved(shop, "near", "far"), statuses(shop, cart)) == ([0, 0], (over, {"a": 0}))
    # Who made it is told, and does not wait for ever.
    assert shop.answers["cart-1"].status == over


def test_a_cart_is_kept_for_longer_than_anybody_may_or_for_less_than_was_said():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)], ttl_s=600)
    shop.deliver_all()
    shop.do("reservation", cart, ExtendReservation(60_000))
    assert shop.entities["reservation", cart][0].expires_at_ms == NOW_MS + 600_000
    for hours in (23, 23):
        shop.do("reservation", cart, ExtendReservation(24 * HOUR_MS))
        shop.now_ms += hours * HOUR_MS
    assert refused(shop, cart, ExtendReservation(2 * HOUR_MS + 1)) == "reservation.too_long"
    shop.do("reservation", cart, ExtendReservation(2 * HOUR_MS))
    assert shop.entities["reservation", cart][0].expires_at_ms == NOW_MS + 48 * HOUR_MS


def test_a_cart_is_extended_or_ordered_after_its_time_though_the_timer_is_late():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)], ttl_s=60)
    shop.deliver_all()
    shop.now_ms += 60_000
    for late in (ExtendReservation(60_000), ClaimReservation("us-o", [("a", 3)])):
        assert refused(shop, cart, late) == "reservation.expired"
    shop.fire_timers()
    for late in (ExtendReservation(60_000), ClaimReservation("us-o", [("a", 3)])):
        assert refused(shop, cart, late) == "reservation.expired"


def test_a_cart_that_is_over_is_extended_or_ordered():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)])
    shop.deliver_all()
    shop.do("reservation", cart, ReleaseReservation())
    for late in (ExtendReservation(60_000), ClaimReservation("us-o", [("a", 3)])):
        assert refused(shop, cart, late) == "reservation.over"


def test_to_give_back_twice_gives_back_twice_or_is_refused():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)])
    shop.deliver_all()
    for _ in range(2):
        assert shop.do("reservation", cart, ReleaseReservation()).status == "released"
    assert [type(posted.message.command) for posted in shop.post] == [Unreserve]
    shop.deliver_all()
    assert reserved(shop, "near") == [0]


# --- whose it is
def test_somebody_reads_extends_gives_back_or_orders_anothers_cart():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)], owner=MIA)
    shop.deliver_all()
    theirs = (ExtendReservation(60_000, TOM), ReleaseReservation(TOM), ClaimReservation("us-o", [("a", 3)], TOM))
    assert {refused(shop, cart, command) for command in theirs} == {"reservation.unknown"}
    state, version = shop.entities["reservation", cart]
    with pytest.raises(Refused) as raised:
        reservation.view(state, ViewReservation(cart, TOM), version)
    assert raised.value.body.code == "reservation.unknown"
    assert reservation.view(state, ViewReservation(cart, MIA), version).status == "held"
    assert reservation.view(state, ViewReservation(cart), version).status == "held"
    order_id = shop.place([("a", 3)], cart, owner=TOM)
    shop.deliver_all()
    assert (statuses(shop, cart)[0], reserved(shop, "near")) == ("held", [3])
    assert shop.order_view(order_id).status == "partly_allocated"


def test_a_customer_orders_a_cart_that_somebody_else_made_for_nobody():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)])
    shop.deliver_all()
    assert refused(shop, cart, ClaimReservation("us-o", [("a", 3)], MIA)) == "reservation.unknown"


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


# --- it is ordered
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


def test_an_id_changes_its_shard_when_the_call_is_repeated_later():
    first, later = (ids.reservation_id("us", at, "key-1") for at in (NOW_MS, NOW_MS + HOUR_MS))
    assert ids.RESERVATION_PATTERN.match(first)
    assert ids.routing_part("reservation", later) == ids.routing_part("reservation", first)
    assert ids.routing_part("reservation", first) != ids.routing_part(
        "reservation", ids.reservation_id("us", NOW_MS, "key-2")
    )


def test_one_that_is_over_is_looked_for_as_if_it_could_expire():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)], owner=MIA)
    for due_at in (NOW_MS + 600_000, None):
        state, version = shop.entities["reservation", cart]
        (row,) = reservation.rows(state, version, [], Context(cart, "c", NOW_MS))
        assert (row.reservation_id, row.version, row.owner, row.due_at) == (cart, version, MIA, due_at)
        shop.do("reservation", cart, ReleaseReservation())


# --- its owner is erased
def owner_kept(shop: Shop, cart: str) -> tuple[str, str]:
    state, version = shop.entities["reservation", cart]
    (row,) = reservation.rows(state, version, [], Context(cart, "c", shop.now_ms))
    return state.owner, row.owner


@pytest.mark.parametrize("answered", [True, False])
def test_a_cart_of_somebody_who_is_erased_keeps_units_or_the_owner(answered):
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 2)], owner=MIA)
    if answered:
        shop.deliver_all()
        assert reserved(shop, "near") == [2]
    assert owner_kept(shop, cart) == (MIA, MIA)
    shop.do("reservation", cart, ForgetOwner())
    shop.deliver_all()
    assert (owner_kept(shop, cart), reserved(shop, "near")) == (("", ""), [0])
    assert shop.cart_view(cart).status == "released"
    shop.restart("reservation", cart)
    before = shop.entities["reservation", cart]
    shop.do("reservation", cart, ForgetOwner())
    assert shop.entities["reservation", cart] == before, "to do it again changes something"


def test_a_cart_that_is_over_changes_when_its_owner_is_erased_or_one_of_nobody_ends():
    shop = Shop(near={"a": 9})
    expired, nobodys = shop.cart([("a", 2)], owner=MIA), shop.cart([("a", 1)], ttl_s=900)
    shop.deliver_all()
    shop.now_ms += 700_000
    shop.do("reservation", expired, ExpireReservation())
    shop.deliver_all()
    before = shop.cart_view(expired)
    for cart in (expired, nobodys):
        shop.do("reservation", cart, ForgetOwner())
    after = shop.cart_view(expired)
    assert (owner_kept(shop, expired), after.status, after.lines) == (("", ""), "expired", before.lines)
    assert (statuses(shop, nobodys), reserved(shop, "near")) == (("held", {"a": 1}), [1])


def test_an_order_loses_what_it_took_from_a_cart_whose_owner_was_erased_before_it_heard():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)], owner=MIA)
    shop.deliver_all()
    claim = ClaimReservation("us-one", [("a", 2)], MIA)
    first = shop.do("reservation", cart, claim)
    shop.do("reservation", cart, ForgetOwner())
    assert owner_kept(shop, cart) == ("", "")
    assert shop.do("reservation", cart, claim) == first
    assert refused(shop, cart, ClaimReservation("us-two", [("a", 2)], MIA)) == "reservation.unknown"
