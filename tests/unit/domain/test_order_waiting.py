"""Orders in lines at several places, with messages that cross, come late, or whose replies are lost: each unit is
somebody's, and no line stays."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.domain import location_waiting, order_asking, order_lacks, order_waiting
from actors.domain.allocation import Place
from actors.domain.errors import Refused
from actors.domain.kinds import KINDS
from actors.domain.notice import WriteNotice
from actors.domain.order_backorder import BackorderTerms
from actors.domain.order_commands import PlaceOrder, UpdateOrder
from actors.domain.order_state import Line, ShipTo, missing_of
from tests.unit.domain.cart_rig import DAY_MS, NOW_MS, Shop


def place(shop: Shop, *lines: tuple[str, int], places: tuple[str, ...] = ("near", "far"), **more) -> str:
    shop.made += 1
    order_id = f"us-{shop.made:026}"
    priced = [Line(sku, units, 100) for sku, units in lines]
    seen = [Place(name, {}) for name in places]
    shop.do(
        "order",
        order_id,
        PlaceOrder("", "online", "", "US", ShipTo("US"), "USD", priced, seen, **more),
        f"o{shop.made}",
    )
    shop.now_ms += 1
    return order_id


def line(shop: Shop, name: str) -> dict[str, dict[str, int]]:
    waiting = shop.entities["location", name][0].waiting
    return {} if waiting is None else {order_id: dict(one.lines) for order_id, one in waiting.waiters.items()}


def state(shop: Shop, order_id: str):
    return shop.entities["order", order_id][0]


def shop_of(**stock) -> Shop:
    return Shop(**({"near": {}, "far": {}} | stock)).deliver_all()


def test_what_comes_in_goes_to_who_asks_first_and_not_to_who_was_first():
    shop = shop_of()
    first, second = place(shop, ("a", 2)), place(shop, ("a", 2))
    shop.deliver_all()
    assert line(shop, "near") == line(shop, "far") == {first: {"a": 2}, second: {"a": 2}}
    view = shop.order_view(first)
    assert (view.status, view.backorder.reason, view.backorder.lines_in) == ("backordered", "in_line", 2)
    shop.receive("far", "a", 3)
    shop.deliver_all().check()
    assert (shop.order_view(first).status, shop.order_view(second).status) == ("allocated", "partly_allocated")
    assert line(shop, "near") == line(shop, "far") == {second: {"a": 1}}
    assert shop.order_view(first).backorder is msgspec.UNSET


def test_two_places_serve_the_same_need_and_both_units_stay_with_the_order():
    shop = shop_of()
    first, second = place(shop, ("a", 1)), place(shop, ("a", 1))
    shop.deliver_all()
    shop.receive("near", "a", 1)
    shop.receive("far", "a", 1)
    shop.deliver_all().check()
    assert [shop.order_view(name).status for name in (first, second)] == ["allocated", "allocated"]
    assert line(shop, "near") == line(shop, "far") == {}


def test_what_is_offered_to_a_cancelled_order_is_lost():
    shop = shop_of()
    first, second = place(shop, ("a", 1)), place(shop, ("a", 1))
    shop.deliver_all()
    shop.receive("near", "a", 1)
    shop.do("order", first, UpdateOrder("cancel"), "cancel")
    shop.deliver_all().check()
    assert (shop.order_view(first).status, shop.order_view(second).status) == ("cancelled", "allocated")
    assert line(shop, "near") == line(shop, "far") == {}


def test_an_order_that_is_cancelled_while_it_gets_in_line_stays_there():
    shop = shop_of()
    first = place(shop, ("a", 1))
    shop.do("order", first, UpdateOrder("cancel"), "cancel")
    shop.deliver_all()
    assert line(shop, "near") == line(shop, "far") == {}


def test_what_was_not_found_waits_behind_those_who_came_later():
    shop = shop_of(near={"a": 1})
    first = shop.place([("a", 1)], places=[Place("near", {"a": 1}), Place("far", {})])
    shop.now_ms += 1
    second = place(shop, ("a", 1))
    shop.deliver_all()
    shop.do("order", first, UpdateOrder("start_picking"), "start")
    shop.do("order", first, UpdateOrder("short_pick", lines=[("a", 1)]), "short")
    shop.deliver_all()
    shop.receive("near", "a", 1)
    shop.deliver_all().check()
    assert missing_of(state(shop, first)) == {}
    assert missing_of(state(shop, second)) == {"a": 1}


def test_the_timer_asks_where_it_waits_or_never_says_that_it_has_stopped():
    shop = shop_of()
    first = place(shop, ("a", 1))
    shop.deliver_all()
    shop.now_ms += 60_000
    shop.fire_timers()
    assert shop.post == []
    assert (state(shop, first).retry_at_ms, state(shop, first).backorder.parked) == (None, "in_line")


def test_a_full_line_is_asked_for_ever_or_never_again(monkeypatch):
    monkeypatch.setattr(location_waiting, "LINE_MAX", 0)
    shop = shop_of()
    first = place(shop, ("a", 1))
    shop.deliver_all()
    for _ in range(order_asking.RETRIES_MAX + 2):
        shop.now_ms += 3_600_000
        shop.fire_timers()
        shop.deliver_all()
    view = shop.order_view(first)
    assert (view.backorder.reason, view.backorder.lines_in, state(shop, first).retries) == (
        "asked_enough",
        0,
        order_asking.RETRIES_MAX,
    )
    monkeypatch.undo()
    # By hand it is asked again, and gets in line.
    shop.do("order", first, UpdateOrder("allocate", places=[Place("near", {"a": 1})]), "again")
    shop.deliver_all()
    shop.receive("near", "a", 1)
    assert shop.deliver_all().order_view(first).status == "allocated"


def test_a_policy_of_one_place_gets_the_rest_from_another_at_once():
    shop = shop_of(near={"a": 1}, far={"a": 5})
    first = place(shop, ("a", 3), splits=1, plan=[("near", {"a": 1})])
    shop.deliver_all()
    assert (line(shop, "near"), line(shop, "far")) == ({first: {"a": 2}}, {})
    assert shop.stock("far").allocated == 0
    assert state(shop, first).retry_at_ms is not None, "its timer asks the other"


def test_goods_are_asked_for_before_they_are_out():
    shop = shop_of(near={"a": 5, "b": 5})
    out = NOW_MS + DAY_MS
    terms = BackorderTerms({"a": out}, {"near": 2 * DAY_MS})
    first = shop.made
    order_id = place(shop, ("a", 1), ("b", 1), backorder=terms)
    shop.deliver_all()
    assert first + 1 == shop.made
    assert (shop.stock("near", "a").allocated, shop.stock("near", "b").allocated) == (0, 1)
    view = shop.order_view(order_id)
    assert view.status == "partly_allocated"
    assert view.backorder.released_at.timestamp() * 1000 == out
    shop.do("order", order_id, UpdateOrder("allocate", places=[Place("near", {"a": 5})]), "now")
    shop.deliver_all()
    assert shop.stock("near", "a").allocated == 0
    shop.now_ms = out
    shop.fire_timers()
    shop.deliver_all().check()
    view = shop.order_view(order_id)
    assert view.status == "allocated"
    assert view.fulfilments[-1].promised_by.timestamp() * 1000 == out + 2 * DAY_MS


def test_an_order_of_nothing_but_what_is_not_out_says_nothing_of_why():
    shop = shop_of()
    order_id = place(shop, ("a", 1), backorder=BackorderTerms({"a": NOW_MS + DAY_MS}))
    shop.deliver_all()
    shop.now_ms += 60_000
    shop.fire_timers()
    assert shop.order_view(order_id).backorder.reason == "not_released"
    assert state(shop, order_id).retry_at_ms == NOW_MS + DAY_MS


def test_the_customer_hears_of_a_date_twice_or_never():
    shop = shop_of()
    terms = BackorderTerms({}, {"near": DAY_MS})
    told = place(shop, ("a", 2), sealed=b"who", email_digest="e", backorder=terms)
    place(shop, ("a", 1), backorder=terms)
    shop.deliver_all()
    for _ in range(3):
        shop.receive("near", "a", 1)
        sent = [one.message for one in shop.post]
        while shop.post:
            sent += [one.message for one in shop.post if type(one.message.command) is WriteNotice]
            shop.deliver()
    notices = [one for (kind, _), (one, _) in shop.entities.items() if kind == "notice"]
    assert [(one.template, one.about, one.sealed_address) for one in notices] == [("order.new_date", told, b"who")] * 2
    assert b"who" not in b"".join(one.sealed_content for one in notices)
    dates = [one.promised_by_ms for one in state(shop, told).fulfilments]
    assert all(dates)


def test_a_part_that_was_promised_a_date_when_it_came_in_is_not_written_down_until_it_is_shipped():
    shop = shop_of()
    order_id = place(shop, ("a", 2), backorder=BackorderTerms({}, {"near": DAY_MS}))
    shop.deliver_all()
    shop.receive("near", "a", 1)
    shop.deliver_all()
    (part,) = state(shop, order_id).fulfilments
    assert part.promised_by_ms is not None
    allocated = (order_id, part.number, "allocated", shop.now_ms, part.promised_by_ms, "online", "near", None)
    assert [msgspec.structs.astuple(row) for row in shop.promises[order_id]] == [allocated]
    shop.receive("near", "a", 1)
    shop.deliver_all().check()
    assert [row.step for row in shop.promises[order_id]] == ["allocated"] * 2


def test_a_part_of_which_no_date_is_known_is_written_down_as_promised():
    shop = shop_of()
    order_id = place(shop, ("a", 1))
    shop.deliver_all()
    shop.receive("near", "a", 1)
    shop.deliver_all()
    assert shop.order_view(order_id).status == "allocated"
    assert shop.promises == {}


def test_all_or_nothing_is_asked_for_bit_by_bit():
    shop = shop_of(near={"a": 1})
    order_id = place(shop, ("a", 1), ("b", 1), plan=[], backorder=BackorderTerms(whole=True))
    shop.deliver_all()
    shop.now_ms += 60_000
    shop.fire_timers()
    assert shop.post == [], "each would give what it has, and get it back"
    assert shop.stock("near").allocated == 0
    shop.receive("near", "b", 1)
    shop.deliver_all().check()
    assert shop.order_view(order_id).status == "allocated"


def test_an_order_that_knows_nobody_stops_without_a_reason():
    shop = shop_of()
    order_id = place(shop, ("a", 1), places=())
    shop.now_ms += 60_000
    shop.fire_timers()
    assert shop.order_view(order_id).backorder.reason == "nobody_to_ask"


# Only `third` may serve all of it.
SPLIT = BackorderTerms(barred={"near": ["b"], "far": ["a"], "third": []})


class Play:
    """Orders, places and messages by a seed."""

    def __init__(self, seed: int) -> None:
        self.rng, self.orders = Random(seed), []
        self.shop = shop_of(near={"a": 2}, far={"b": 1}, third={"a": 1, "b": 1})
        self.number = 0

    def step(self) -> None:
        self.rng.choice(
            (self.order, self.goods, self.message, self.message, self.message, self.update, self.timers, self.restart)
        )()

    def order(self) -> None:
        rng, shop = self.rng, self.shop
        lines = [(sku, rng.randint(1, 3)) for sku in rng.sample("ab", rng.randint(1, 2))]
        terms = rng.choice((
            None, None, BackorderTerms({}, {"near": DAY_MS}), BackorderTerms({"a": shop.now_ms + rng.choice((2, 50_000))}), BackorderTerms(whole=True), SPLIT,
        ))  # fmt: skip
        plan = [] if terms is not None and terms.whole else None
        if terms is SPLIT:
            # Two places are asked at once, and neither may serve what the other has.
            plan = [({"a": "near", "b": "far"}[sku], {sku: units}) for sku, units in lines]
        names = rng.sample(("near", "far", "third"), rng.randint(1, 3))
        self.orders.append(
            place(shop, *lines, places=tuple(names), backorder=terms, plan=plan, splits=rng.choice((1, 3)))
        )

    def goods(self) -> None:
        name, sku = self.rng.choice(("near", "far", "third")), self.rng.choice("ab")
        self.shop.receive(name, sku, self.rng.randint(1, 3))

    def message(self) -> None:
        if self.shop.post:
            self.shop.deliver(self.rng.randrange(len(self.shop.post)), reply_is_lost=self.rng.random() < 0.2)
            self.shop.check()

    def update(self) -> None:
        if not self.orders:
            return
        rng, order_id, self.number = self.rng, self.rng.choice(self.orders), self.number + 1
        update = rng.choice(("start_picking", "start_picking", "pack", "ship", "short_pick", "cancel", "allocate"))
        known = [Place(name, {"a": 2, "b": 2}) for name in ("near", "third")]
        fulfilment = rng.choice((None, *(f.number for f in state(self.shop, order_id).fulfilments)))
        lines = [(rng.choice("ab"), 1)] if update == "short_pick" else []
        try:
            self.shop.do("order", order_id, UpdateOrder(update, fulfilment, None, lines, known), f"u{self.number}")
        except Refused:
            return

    def timers(self) -> None:
        self.shop.now_ms += self.rng.choice((1, 60_000))
        self.shop.fire_timers()

    def restart(self) -> None:
        if self.orders:
            self.shop.restart("order", self.rng.choice(self.orders))

    def end(self) -> None:
        """All arrives: each order is in the lines where it believes to be, and in no other."""
        self.shop.now_ms += 60_000
        self.shop.fire_timers()
        self.shop.deliver_all().check()
        for order_id in self.orders:
            one = state(self.shop, order_id)
            places = one.backorder.places if one.backorder is not None else {}
            assert all(place.telling is None and not place.seen for place in places.values())
            lacking = {} if one.cancelled else order_lacks.lacking(one)
            for name in ("near", "far", "third"):
                mine = line(self.shop, name).get(order_id, {})
                waits = name in order_waiting.lines_of(one) and not one.cancelled
                wanted = order_waiting.in_line_for(one, name, lacking) if waits else {}
                assert mine == wanted, (order_id, name, one)
        for name in ("near", "far", "third"):
            assert all(
                one.lines for one in getattr(self.shop.entities["location", name][0].waiting, "waiters", {}).values()
            )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_messages_that_cross_leave_units_in_between_or_a_line_that_stays(seed):
    play = Play(seed)
    for _ in range(50):
        play.step()
    play.end()


def test_an_order_of_before_there_were_lines_can_not_be_read():
    shop = shop_of()
    order_id = place(shop, ("a", 1))
    at = type(state(shop, order_id)).__struct_fields__.index("backorder")
    old = msgspec.msgpack.decode(msgspec.msgpack.encode(state(shop, order_id)))[:at]
    assert KINDS["order"].restore(order_id, {"orders": [_Row(msgspec.msgpack.encode(old))]})[0].backorder is None


class _Row(msgspec.Struct):
    state: bytes
    version: int = 1
