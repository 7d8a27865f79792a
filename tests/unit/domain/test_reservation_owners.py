"""Owners of carts by example: who may do something with one, and what is left of it when its owner is erased."""

from __future__ import annotations

import pytest

from actors.domain import reservation
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.reservation_commands import (
    ClaimReservation,
    ExpireReservation,
    ExtendReservation,
    ForgetOwner,
    ReleaseReservation,
)
from actors.domain.reservation_state import ViewReservation
from tests.unit.domain.cart_rig import MIA, TOM, Shop
from tests.unit.domain.reservation_rig import refused, reserved, statuses


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
