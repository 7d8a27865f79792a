"""An order that lacks nothing pays nothing for what its placement brought for the day on which it does,
and is then told the same."""

from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain import order, order_state, order_waiting
from actors.domain.allocation import Place
from actors.domain.order_backorder import BackorderTerms
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_state import missing_of, status_of
from tests.unit.domain.cart_rig import Shop
from tests.unit.domain.test_order_waiting import Play, line, place, shop_of, state

BARRED = BackorderTerms(barred={"near": [], "far": ["b"], "third": ["a"]})


def whole() -> tuple[Shop, str]:
    """An order that is allocated at once, of which one place may not serve all."""
    shop = shop_of(near={"a": 2, "b": 3}, third={"b": 3})
    plan = [("near", {"a": 2}), ("third", {"b": 1})]
    order_id = place(shop, ("a", 2), ("b", 1), places=("near", "far", "third"), plan=plan, backorder=BARRED)
    return shop, order_id


def test_a_whole_order_is_copied_and_played_again_at_each_of_its_steps(monkeypatch: pytest.MonkeyPatch):
    shop, order_id = whole()
    monkeypatch.setattr(order, "copied", lambda _: pytest.fail("copied"))
    monkeypatch.setattr(order_waiting, "asks", lambda _: pytest.fail("asks whom to tell"))
    monkeypatch.setattr(order_waiting, "lacking", lambda _: pytest.fail("adds up what it lacks"))
    monkeypatch.setattr(
        order_state, "status_of", lambda _: pytest.fail("asks whether it is over to know when it is due")
    )
    shop.fire_timers()
    monkeypatch.setattr(order_state, "status_of", status_of)
    shop.deliver_all()
    for step in ("start_picking", "pack", "ship"):
        shop.do("order", order_id, UpdateOrder(step), step)
    assert shop.order_view(order_id).status == "shipped"


def test_what_is_not_found_of_a_whole_order_waits_where_it_may_not_lie():
    shop, order_id = whole()
    shop.deliver_all()
    shop.do("order", order_id, UpdateOrder("start_picking"), "start")
    shop.do("order", order_id, UpdateOrder("short_pick", 1, lines=[("a", 2)]), "short")
    shop.deliver_all()
    # Not in the third's, which may not serve it.
    assert [name for name in ("near", "far", "third") if line(shop, name)] == ["near", "far"]
    assert line(shop, "far") == {order_id: {"a": 2}}
    shop.receive("far", "a", 2)
    shop.deliver_all().check()
    assert missing_of(state(shop, order_id)) == {}


class WholePlay(Play):
    """The same, where most orders are served at once."""

    def order(self) -> None:
        rng, shop = self.rng, self.shop
        lines = [(sku, rng.randint(1, 2)) for sku in rng.sample("ab", rng.randint(1, 2))]
        seen = {one.location_id: one.available for one in shop.seen()}
        free = [
            Place(name, {sku: n for sku, n in seen[name].items() if sku not in barred})
            for name, barred in BARRED.barred.items()
        ]
        rng.shuffle(free)
        first, second = free[:2]
        plan = [(first.location_id, dict(lines[:1])), *([(second.location_id, dict(lines[1:]))] if lines[1:] else [])]
        more = {"plan": rng.choice((None, plan)), "splits": rng.choice((1, 3)), "backorder": BARRED}
        self.orders.append(place(shop, *lines, places=tuple(one.location_id for one in free), **more))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_left_out_for_a_whole_order_is_missed_later(seed):
    def played() -> dict[tuple[str, str], tuple[Any, int]]:
        play = WholePlay(seed)
        for name in ("near", "far", "third"):
            for sku in "ab":
                play.shop.receive(name, sku, 2)
        for _ in range(40):
            play.step()
        play.shop.now_ms += 60_000
        play.shop.fire_timers()
        play.shop.deliver_all().check()
        return play.shop.entities

    with patch.object(order_waiting, "settled", lambda *_: False):
        expected = played()
    assert played() == expected
