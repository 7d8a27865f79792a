from __future__ import annotations

import pytest

from actors.domain.collection_code import RENEWALS_MAX
from actors.domain.collection_commands import (
    ExtendCollection,
    HandOver,
    MakeReady,
    Notices,
    RenewCode,
    VerifyCode,
    VerifyIdentity,
)
from actors.domain.errors import Refused
from tests.unit.domain.pickup_world import CODE, NOTICES, WRONG, Shop, told
from tests.unit.domain.transfer_world import DAY_MS

FRESH = b"fresh"


def ready_shop() -> Shop:
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    shop.make_ready()
    return shop


def renewal(shop: Shop, digest: bytes = FRESH, name: str = "code") -> RenewCode:
    until_ms = shop.seen().collect_by_ms
    assert until_ms is not None
    return RenewCode(digest, until_ms, Notices(told(name), told(f"{name} later"), NOTICES.expired))


def refused(shop: Shop, command) -> str:
    before = shop.entities["collection", shop.of("collection")[0]]
    with pytest.raises(Refused) as found:
        shop.step(command)
    assert shop.entities["collection", shop.of("collection")[0]] == before
    return found.value.body.code


def test_the_old_code_still_works_or_the_new_one_does_not():
    shop = ready_shop()
    shop.step(renewal(shop))
    assert shop.notices() == ["pickup.code", "pickup.ready"]
    assert shop.step(VerifyCode(CODE)).tries_left == 4
    assert shop.step(VerifyCode(FRESH)).verified == "code"
    shop.step(HandOver())
    assert shop.seen().status == "collected"


def test_wrong_tries_of_the_old_code_lock_the_new_one():
    shop = ready_shop()
    for _ in range(5):
        shop.step(VerifyCode(WRONG))
    assert refused(shop, VerifyCode(CODE)) == "collection.code_locked"
    assert shop.step(renewal(shop)).tries_left == 5
    assert shop.step(VerifyCode(FRESH)).verified == "code"


def test_who_has_the_old_code_collects_after_it_was_made_anew():
    shop = ready_shop()
    shop.step(VerifyCode(CODE))
    shop.step(renewal(shop))
    assert refused(shop, HandOver()) == "collection.not_verified"
    # A manager looked at the person, not at the code.
    shop.step(VerifyIdentity())
    shop.step(renewal(shop, name="again"))
    shop.step(HandOver())
    assert shop.seen().status == "collected"


def test_codes_are_made_anew_without_end_or_never_again():
    shop = ready_shop()
    for number in range(RENEWALS_MAX):
        shop.now_ms += 60_000
        shop.step(renewal(shop, b"%d" % number, f"{number}"))
    assert refused(shop, renewal(shop)) == "collection.code_too_often"
    shop.now_ms += DAY_MS - 2 * 60_000
    shop.step(renewal(shop))
    assert refused(shop, renewal(shop)) == "collection.code_too_often"
    assert len(shop.collection().renewed) == RENEWALS_MAX


def test_the_reminder_tells_the_old_code():
    shop = ready_shop()
    shop.step(renewal(shop))
    shop.now_ms += 2 * DAY_MS
    shop.look()
    assert shop.notices() == ["pickup.code", "pickup.code later", "pickup.ready"]


def test_the_new_code_is_told_with_a_day_that_is_not_so_any_more():
    shop = ready_shop()
    command = renewal(shop)
    shop.step(ExtendCollection(shop.now_ms + 6 * DAY_MS, 14 * DAY_MS))
    assert refused(shop, command) == "collection.busy"


def test_an_extension_brings_the_old_code_back():
    shop = ready_shop()
    shop.step(renewal(shop))
    shop.step(ExtendCollection(shop.now_ms + 6 * DAY_MS, 14 * DAY_MS))
    shop.step(VerifyCode(CODE))
    assert shop.seen().verified == ""
    assert shop.step(VerifyCode(FRESH)).verified == "code"


def test_a_code_is_made_for_what_is_not_ready_or_for_nobody():
    shop = Shop({"a": 2}, {})
    shop.place_order(("a", 2))
    assert refused(shop, RenewCode(FRESH, shop.now_ms)) == "collection.illegal_transition"
    shop.make_ready()
    assert refused(shop, renewal(shop, b"")) == "collection.no_code"
    name = shop.of("collection")[0]
    shop.do("collection", name, ExtendCollection(shop.now_ms + 6 * DAY_MS, 14 * DAY_MS))
    with pytest.raises(Refused, match="has yet to agree"):
        shop.do("collection", name, renewal(shop))
    shop.settle()
    shop.collect()
    assert refused(shop, RenewCode(FRESH, shop.now_ms)) == "collection.illegal_transition"
    assert refused(shop, MakeReady(CODE, shop.now_ms + 1)) == "collection.illegal_transition"
