"""The time of a cart by example: when it ends, how long it may be kept, and what is over."""

from __future__ import annotations

import pytest

from actors.domain import reservation
from actors.domain.kind import Context
from actors.domain.location_commands import Unreserve
from actors.domain.reservation_commands import (
    ClaimReservation,
    ExpireReservation,
    ExtendReservation,
    ReleaseReservation,
)
from tests.unit.domain.cart_rig import MIA, NOW_MS, Shop
from tests.unit.domain.reservation_rig import HOUR_MS, refused, reserved, statuses


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


def test_one_that_is_over_is_looked_for_as_if_it_could_expire():
    shop = Shop(near={"a": 5})
    cart = shop.cart([("a", 3)], owner=MIA)
    for due_at in (NOW_MS + 600_000, None):
        state, version = shop.entities["reservation", cart]
        (row,) = reservation.rows(state, version, [], Context(cart, "c", NOW_MS))
        assert (row.reservation_id, row.version, row.owner, row.due_at) == (cart, version, MIA, due_at)
        shop.do("reservation", cart, ReleaseReservation())
