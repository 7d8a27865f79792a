"""Many carts and orders for few units, with a machine that lets callers, clocks, crashes and
messages do what they like.

After each step every promised unit has exactly one who will use it or give it back (`Shop.check`); at the end of time
nothing is reserved any more, and what is allocated is in fulfilments. Beside it a plain model says of each cart who
may still do what with it.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.domain.errors import Refused
from actors.domain.ids import reservation_id
from actors.domain.order_commands import UpdateOrder
from actors.domain.reservation_commands import ExtendReservation, ReleaseReservation
from actors.domain.reservation_state import LIVE
from tests.unit.domain.cart_rig import LOTTED, MIA, NOW_MS, TOM, Shop

SKUS = st.sampled_from(("a", "b", LOTTED))
LINES = st.lists(st.tuples(SKUS, st.integers(1, 4)), min_size=1, max_size=3)
OWNERS = st.sampled_from(("", MIA, TOM))
WHICH = st.integers(0, 30)
NAMES = ("near", "far", "farther", "farthest")
MAX_MS = 48 * 3_600_000


class Told:
    """What a plain model knows of a cart: whose it is, until when, and by what it ended ("" while it did not)."""

    def __init__(self, owner: str, made_ms: int, ttl_ms: int) -> None:
        self.owner, self.made_ms, self.until_ms, self.over = owner, made_ms, made_ms + ttl_ms, ""

    def refusal(self, asker: str, now_ms: int) -> str:
        """Of whoever wants to do something with it."""
        if asker and asker != self.owner:
            return "reservation.unknown"
        if self.over == "expired" or (not self.over and now_ms >= self.until_ms):
            return "reservation.expired"
        return "" if not self.over else "reservation.converted" if self.over == "converted" else "reservation.over"


class Rush(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop(**{name: {"a": 3, "b": 2, LOTTED: 4} for name in NAMES})
        self.carts: dict[str, Told] = {}
        self.orders: list[str] = []

    # --- callers
    @rule(lines=LINES, owner=OWNERS, ttl_s=st.integers(10, 3_000), whole=st.booleans())
    def fill_a_cart(self, lines, owner, ttl_s, whole):
        cart = self.shop.cart(lines, owner=owner, ttl_s=ttl_s, whole=whole)
        self.carts[cart] = Told(owner, self.shop.now_ms, ttl_s * 1000)

    @precondition(lambda self: self.carts)
    @rule(which=WHICH, asker=OWNERS, ttl_s=st.sampled_from((10, 600, 86_400)))
    def extend(self, which, asker, ttl_s):
        cart, told = self._cart(which)
        code, until_ms = told.refusal(asker, self.shop.now_ms), self.shop.now_ms + ttl_s * 1000
        if not code and until_ms > told.made_ms + MAX_MS:
            code = "reservation.too_long"
        assert self._does("reservation", cart, ExtendReservation(ttl_s * 1000, asker)) == code
        if not code:
            told.until_ms = max(told.until_ms, until_ms)

    @precondition(lambda self: self.carts)
    @rule(which=WHICH, asker=OWNERS)
    def give_back(self, which, asker):
        cart, told = self._cart(which)
        code = self._does("reservation", cart, ReleaseReservation(asker))
        expected = told.refusal(asker, self.shop.now_ms)
        assert code == (expected if expected in ("reservation.unknown", "reservation.converted") else "")
        if not code and not told.over:
            told.over = "released"

    @rule(lines=LINES, which=WHICH, owner=OWNERS)
    def order(self, lines, which, owner):
        """With a cart that there is, or was, or that there never was."""
        cart = (
            self._cart(which)[0] if which and self.carts else reservation_id("us", NOW_MS, "never") if which % 2 else ""
        )
        self.orders.append(self.shop.place(lines, cart, owner=owner))

    @precondition(lambda self: self.orders)
    @rule(which=WHICH, update=st.sampled_from(("cancel", "allocate")))
    def change_an_order(self, which, update):
        places = self.shop.seen() if update == "allocate" else []
        order_id = self.orders[which % len(self.orders)]
        self._does("order", order_id, UpdateOrder(update, places=places))

    @rule(name=st.sampled_from(NAMES), sku=SKUS, units=st.integers(1, 3))
    def goods_come(self, name, sku, units):
        self.shop.receive(name, sku, units)

    # --- the world
    @rule(seconds=st.sampled_from((1, 60, 3_600, 100_000)))
    def time_goes_on(self, seconds):
        self.shop.now_ms += seconds * 1000

    @rule()
    def timers(self):
        self.shop.fire_timers()

    @precondition(lambda self: self.shop.post)
    @rule(which=WHICH, reply_is_lost=st.booleans())
    def a_message_arrives_perhaps_again(self, which, reply_is_lost):
        self.shop.deliver(which % len(self.shop.post), reply_is_lost=reply_is_lost)

    @rule(which=WHICH)
    def something_comes_back_from_its_row(self, which):
        kept = [key for key in self.shop.entities if key[0] != "location"]
        if kept:
            self.shop.restart(*kept[which % len(kept)])

    def _cart(self, which: int) -> tuple[str, Told]:
        cart = list(self.carts)[which % len(self.carts)]
        return cart, self.carts[cart]

    def _does(self, kind: str, entity_id: str, command) -> str:
        """The code of the refusal, which changes nothing; "" when it is done."""
        before = self.shop.entities[kind, entity_id][1]
        try:
            self.shop.do(kind, entity_id, command)
        except Refused as refused:
            assert self.shop.entities[kind, entity_id][1] == before
            return refused.body.code
        return ""

    # --- what holds
    @invariant()
    def every_promised_unit_has_one_who_will_use_it_or_give_it_back(self):
        self.shop.check()

    @invariant()
    def carts_are_what_the_model_says(self):
        for cart, told in self.carts.items():
            stage = self.shop.entities["reservation", cart][0].stage
            if not told.over and stage not in LIVE:
                # What ends it without its owner: too little stock, the timer, or an order.
                assert stage != "expired" or self.shop.now_ms >= told.until_ms
                assert stage != "released"
                told.over = stage
            assert stage == told.over or (not told.over and stage in LIVE)

    def teardown(self):
        shop = self.shop
        for _ in range(20):
            # Orders ask again at last; then all carts are over.
            shop.deliver_all()
            shop.now_ms += MAX_MS
            shop.fire_timers()
        shop.deliver_all().check()
        for name in NAMES:
            assert all(stock.reserved == 0 for stock in shop.entities["location", name][0].stock.values())
        for order_id in self.orders:
            state, _ = shop.entities["order", order_id]
            assert (state.claiming, state.place_command) == ("", "")
            assert state.cancelled or all(f.status != "reserving" for f in state.fulfilments)
            ordered = {line.sku: 0 for line in state.lines}
            for line in state.lines:
                ordered[line.sku] += line.quantity
            for fulfilment in state.fulfilments:
                for sku, units in fulfilment.lines:
                    ordered[sku] -= units
            assert all(units >= 0 for units in ordered.values())


TestRush = Rush.TestCase
TestRush.settings = settings(
    max_examples=60, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
