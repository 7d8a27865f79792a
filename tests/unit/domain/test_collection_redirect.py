"""A customer's address that is corrected while something waits at the store, with all that can cross."""

from __future__ import annotations

from random import Random

import pytest

from actors.domain.collection_commands import (
    ExtendCollection,
    LocateUnits,
    MakeReady,
    Notices,
    RenewCode,
    Retold,
    VerifyCode,
)
from actors.domain.collection_state import to_find
from actors.domain.errors import Refused
from actors.domain.order_commands import RectifyOrder
from actors.domain.order_terms_commands import HoldOrder, ReleaseOrder
from tests.unit.domain.pickup_world import CODE, ORDER, Shop, told
from tests.unit.domain.transfer_world import DAY_MS

NEW = b"another"
FRESH = Notices(told("fresh"), told("later"), told("over"))


def ready_shop() -> Shop:
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    return shop


def correct(shop: Shop, *, digest: str = "mail-2", pickups: list[Retold] | None = None, settle: bool = True) -> None:
    one = [Retold(name, NEW, FRESH) for name in shop.of("collection")]
    shop.do("order", ORDER, RectifyOrder("r", digest.encode(), digest, one if pickups is None else pickups))
    if settle:
        shop.settle()


def pending(shop: Shop) -> set[str]:
    states = [shop.entities["notice", name][0] for name in shop.of("notice")]
    return {one.template for one in states if not one.withdrawn}


def refused(shop: Shop, command) -> str:
    with pytest.raises(Refused) as told_:
        shop.step(command)
    return told_.value.body.code


def test_the_code_of_who_had_the_wrong_address_stays_good():
    shop = ready_shop()
    shop.step(VerifyCode(CODE))
    correct(shop)
    assert pending(shop) == {"pickup.fresh"}
    assert shop.seen().verified == ""
    shop.step(VerifyCode(CODE))
    assert (shop.seen().verified, shop.seen().tries_left) == ("", 4)
    shop.now_ms += 2 * DAY_MS
    shop.look()
    assert pending(shop) == {"pickup.fresh", "pickup.later"}
    shop.step(VerifyCode(NEW))
    assert shop.seen(now_ms=shop.now_ms).verified == "code"


def test_another_name_makes_another_code():
    shop = ready_shop()
    before = shop.order().email_digest
    shop.do("order", ORDER, RectifyOrder("r", b"sealed anew", before))
    shop.settle()
    shop.step(VerifyCode(CODE))
    assert (shop.seen().verified, pending(shop)) == ("code", {"pickup.ready"})


def test_what_became_ready_meanwhile_loses_its_code_for_ever():
    shop = ready_shop()
    before = shop.order().sealed
    with pytest.raises(Refused) as answer:
        correct(shop, pickups=[])
    assert (answer.value.body.code, shop.order().sealed) == ("order.changed_meanwhile", before)


def test_it_is_made_ready_for_an_address_that_is_no_more():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.step(LocateUnits(sorted(to_find(shop.collection()).items()), shelf="S1"))
    # Asked before the correction, heard by the order after it.
    shop.do("collection", shop.of("collection")[0], MakeReady(CODE, shop.now_ms + DAY_MS, FRESH))
    correct(shop, pickups=[])
    assert (shop.seen().status, shop.seen().last_refusal, shop.notices()) == ("located", "order.pickup_differs", [])
    assert refused(shop, MakeReady(CODE, shop.now_ms + DAY_MS, FRESH)) == "collection.busy"
    shop.step(MakeReady(NEW, shop.now_ms + DAY_MS, FRESH, contact=1))
    shop.step(VerifyCode(NEW))
    assert shop.seen().verified == "code"


def test_the_correction_comes_late_and_kills_the_code_of_the_new_address():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.step(LocateUnits(sorted(to_find(shop.collection()).items()), shelf="S1"))
    correct(shop, pickups=[], settle=False)
    late = list(shop.waiting)
    name = shop.of("collection")[0]
    shop.do("collection", name, MakeReady(NEW, shop.now_ms + DAY_MS, FRESH, contact=1))
    while rest := [one for one in shop.waiting if one not in late]:
        shop.deliver(rest[0])
    assert shop.seen().status == "ready"
    shop.settle()
    shop.step(VerifyCode(NEW))
    assert (shop.seen().verified, pending(shop)) == ("code", {"pickup.fresh"})


def test_an_extension_or_a_new_code_goes_to_the_address_before():
    shop = ready_shop()
    name, until_ms = shop.of("collection")[0], shop.now_ms + 5 * DAY_MS
    old = Notices(None, told("old"), told("old over"))
    shop.do("collection", name, ExtendCollection(until_ms, 14 * DAY_MS, old))
    correct(shop)
    terms = shop.collection().terms
    assert terms is not None
    assert (terms.collect_by_ms, terms.digest, terms.notices.reminder) == (until_ms, NEW, FRESH.reminder)
    assert refused(shop, ExtendCollection(until_ms + DAY_MS, 14 * DAY_MS, old)) == "collection.busy"
    assert refused(shop, RenewCode(CODE, until_ms, FRESH)) == "collection.busy"


@pytest.mark.parametrize("held", ["before", "after", "crossing"])
def test_a_release_reminds_the_address_before(held):
    shop = ready_shop()
    shop.order().email_digest, shop.order().sealed = "mail-1", b"mail-1"
    shop.do("order", ORDER, HoldOrder(["fraud"]))
    shop.settle()
    shop.now_ms += 9 * DAY_MS
    if held == "after":
        correct(shop)
    shop.do("order", ORDER, ReleaseOrder(["fraud"]))
    if held == "before":
        shop.settle()
    kept = list(shop.waiting)
    if held != "after":
        correct(shop, settle=False)
    for message in [one for one in shop.waiting if one not in kept]:
        shop.deliver(message)
    shop.settle()
    terms = shop.collection().terms
    assert terms is not None
    assert terms.digest == NEW
    assert terms.notices.reminder is not None
    assert terms.notices.reminder.sealed_address in (b"mail-2", b"sealed")
    assert "pickup.fresh" in pending(shop)
    shop.step(VerifyCode(NEW))
    assert shop.seen().verified == "code"


@pytest.mark.parametrize("seed", range(8))
def test_in_some_order_of_messages_an_address_before_keeps_a_code_or_the_new_one_gets_none(seed):
    for more in range(25):
        _play(Random(seed * 100 + more))


def _play(rng: Random) -> None:
    """Replicas read the contact at some moment, and send what they made for it later."""
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.step(LocateUnits(sorted(to_find(shop.collection()).items()), shelf="S1"))
    [name] = shop.of("collection")
    contact = 0
    for n in range(25):
        made = f"{contact}-{n}"
        notices = Notices(told(made), told(f"{made}r"), told(f"{made}x"))
        terms = shop.collection().terms
        until_ms = shop.now_ms + DAY_MS if terms is None else terms.collect_by_ms
        match rng.randrange(9):
            case 0:
                contact = shop.order().pickup.contact_turn
            case 1 | 2:
                attempt(shop, "collection", name, MakeReady(made.encode(), until_ms, notices, contact=contact))
            case 3:
                attempt(shop, "collection", name, RenewCode(made.encode(), until_ms, notices, contact=contact))
            case 4:
                longer = ExtendCollection(
                    until_ms + DAY_MS // 9, 14 * DAY_MS, Notices(None, notices.reminder), contact=contact
                )
                attempt(shop, "collection", name, longer)
            case 5:
                turn = shop.order().pickup.contact_turn + 1
                fresh = f"{turn}-{n}"
                letters = Notices(told(fresh), told(f"{fresh}r"), told(f"{fresh}x"))
                ready = shop.order().pickup.collections[name].status == "ready" and rng.random() < 0.8
                pickups = [Retold(name, fresh.encode(), letters)] if ready else []
                attempt(shop, "order", ORDER, RectifyOrder("r", fresh.encode(), fresh, pickups))
            case _:
                if shop.waiting:
                    shop.deliver(rng.choice(shop.waiting))
    while shop.waiting:
        shop.deliver(rng.choice(shop.waiting))
    now = shop.order().pickup.contact_turn
    assert {one.partition("-")[0] for one in pending(shop)} <= {f"pickup.{now}"}
    if shop.seen().status == "ready":
        one = shop.collection()
        assert one.digest.startswith(b"%d-" % now)
        assert one.terms is not None
        assert one.terms.notices.reminder.template.startswith(f"pickup.{now}-")
        assert pending(shop)


def attempt(shop: Shop, kind: str, name: str, command) -> None:
    try:
        shop.do(kind, name, command)
    except Refused:
        pass
