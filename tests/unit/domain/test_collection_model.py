"""A collection with its order, its store and a transfer, in any order of steps and messages, against a plain model of
what the customer may have."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.domain.collection_commands import (
    EndCollection,
    ExtendCollection,
    HandOver,
    LocateUnits,
    LookAtCollection,
    MakeReady,
    Notices,
    RenewCode,
    SayHere,
    VerifyCode,
    VerifyIdentity,
)
from actors.domain.collection_state import OVER, VERIFIED_MS, to_find
from actors.domain.errors import Refused
from actors.domain.order_commands import RetryAllocation, UpdateOrder
from actors.domain.order_state import missing_of
from actors.domain.order_terms_commands import ChangeOrder, HoldOrder, LineChange, ReleaseOrder
from actors.domain.transfer_commands import (
    CloseTransfer,
    DispatchPackages,
    NewPackage,
    ReceivedLine,
    ReceiveUnits,
    StartPicking,
)
from tests.unit.domain.pickup_world import CODE, ORDER, WRONG, Shop, told
from tests.unit.domain.transfer_world import DAY_MS, PORTLAND, SEATTLE

SKUS = ("a", "b")
FRESH = b"fresh"
# What may follow what, written down once more and plainly.
NEXT = {
    "": {"unopened", "locating", "located", "cancelled"},
    "unopened": {"locating", "located", "cancelled", "nothing_found"},
    "locating": {"locating", "located", "nothing_found", "cancelled", "given_up"},
    "located": {"located", "ready", "cancelled", "nothing_found", "given_up"},
    "ready": {"ready", "collected", "left_behind", "expired", "cancelled"},
}


class Pickups(RuleBasedStateMachine):
    """`proved_ms`: by collection, when somebody proved last that they may have it; `by_code`: by its code; `codes`:
    that which fits; `renewed`: when it was made anew; `holds`: of the order."""

    @initialize(
        store=st.integers(0, 4), other=st.integers(0, 3), wanted=st.integers(1, 3), seed=st.integers(0, 10**6), late=st.booleans()
    )  # fmt: skip
    def opened(self, store: int, other: int, wanted: int, seed: int, late: bool) -> None:
        self.random = Random(seed)
        self.shop = Shop({"a": store, "b": other}, {"a": 6, "b": 6})
        self.total = {sku: units + 6 for sku, units in (("a", store), ("b", other))}
        self.stages: dict[str, str] = {}
        self.proved_ms: dict[str, int] = {}
        self.misses: Counter[str] = Counter()
        self.by_code: dict[str, bool] = {}
        self.codes: dict[str, bytes] = {}
        self.renewed: dict[str, list[int]] = {}
        self.holds: set[str] = set()
        clock = {"late_ms": DAY_MS // 4, "give_up_ms": DAY_MS // 2} if late else {}
        self.shop.place_order(("a", wanted), ("b", 1), settle=False, **clock)

    # --- messages
    @rule(n=st.integers(0, 10**6))
    def a_message_arrives(self, n: int) -> None:
        if self.shop.waiting:
            self.shop.deliver(self.shop.waiting[n % len(self.shop.waiting)])

    @rule(n=st.integers(0, 10**6))
    def a_message_arrives_again(self, n: int) -> None:
        sent = [name for name in self.shop.sent if name not in self.shop.waiting]
        if sent:
            self.shop.deliver(sent[n % len(sent)])

    @rule()
    def all_messages_arrive(self) -> None:
        while self.shop.waiting:
            self.shop.deliver(self.random.choice(self.shop.waiting))
        self.check_settled()

    # --- people
    def some(self) -> str | None:
        opened = [name for name in self.shop.of("collection") if self.shop.entities["collection", name][0].order_id]
        return self.random.choice(opened) if opened else None

    def step(self, name: str, command: Any) -> bool:
        before = self.shop.entities["collection", name]
        try:
            told = self.shop.do("collection", name, command)
        except Refused:
            assert self.shop.entities["collection", name] == before
            return False
        assert not told.last_refusal, "what was done is told as refused"
        return True

    @rule(whole=st.booleans(), missing=st.booleans())
    def units_are_found(self, whole: bool, missing: bool) -> None:
        name = self.some()
        if name is None:
            return
        left = sorted(to_find(self.shop.entities["collection", name][0]).items())
        if missing and left:
            self.step(name, LocateUnits([], [(left[0][0], 1)]))
        elif left:
            self.step(name, LocateUnits(left if whole else [(left[0][0], 1)], shelf="s"))

    @rule(hours=st.integers(1, 50))
    def it_is_made_ready(self, hours: int) -> None:
        name = self.some()
        if name is not None:
            fresh = told(f"{len(self.shop.sent)}-{name[-6:]}")
            self.step(name, MakeReady(CODE, self.shop.now_ms + hours * DAY_MS // 24, Notices(fresh)))

    @rule(code=st.sampled_from((CODE, CODE, FRESH, WRONG)))
    def a_code_is_given(self, code: bytes) -> None:
        name = self.some()
        if name is None:
            return
        locked = self.misses[name] >= 5
        fits = code == self.codes.get(name, CODE)
        done = self.step(name, VerifyCode(code))
        assert not (done and locked), "a sixth try"
        if done and fits:
            self.proved_ms[name], self.by_code[name] = self.shop.now_ms, True
        elif done:
            self.misses[name] += 1
            self.proved_ms.pop(name, None)
            self.by_code.pop(name, None)

    @rule(code=st.sampled_from((CODE, FRESH)))
    def the_code_is_made_anew(self, code: bytes) -> None:
        name = self.some()
        if name is None:
            return
        one, now_ms = self.shop.entities["collection", name][0], self.shop.now_ms
        lately = [at_ms for at_ms in self.renewed.get(name, []) if at_ms > now_ms - DAY_MS]
        may = one.stage == "ready" and one.asking is None and len(lately) < 3 and one.paused_at_ms is None
        until_ms = 0 if one.terms is None else one.terms.collect_by_ms
        fresh = told(f"{len(self.shop.sent)}-{name[-6:]}-{now_ms}")
        assert self.step(name, RenewCode(code, until_ms, Notices(fresh))) == may
        if may:
            self.renewed[name] = [*lately, now_ms]
            self.codes[name], self.misses[name] = code, 0
            if self.by_code.get(name):
                del self.proved_ms[name], self.by_code[name]

    @rule(kind=st.sampled_from(("fraud", "address")), release=st.booleans())
    def the_order_is_held_or_released(self, kind: Any, release: bool) -> None:
        try:
            self.shop.do("order", ORDER, ReleaseOrder([kind]) if release else HoldOrder([kind]))
        except Refused:
            return
        self.holds = self.holds - {kind} if release else self.holds | {kind}

    @rule()
    def a_manager_looks(self) -> None:
        name = self.some()
        if name is not None and self.step(name, VerifyIdentity()):
            self.proved_ms[name], self.by_code[name] = self.shop.now_ms, False

    @rule(left=st.integers(0, 2))
    def it_is_handed_over(self, left: int) -> None:
        name = self.some()
        if name is not None and self.step(name, HandOver([("a", left)] if left else [])):
            proved_ms = self.proved_ms.get(name)
            assert proved_ms is not None, "nobody proved anything"
            assert self.shop.now_ms - proved_ms < VERIFIED_MS, "proved long ago"

    @rule(why=st.sampled_from(("left_behind", "expired")))
    def staff_ends_it(self, why: Any) -> None:
        name = self.some()
        if name is not None:
            self.step(name, EndCollection(why))

    @rule(days=st.integers(1, 20))
    def it_is_extended_and_somebody_is_here(self, days: int) -> None:
        name = self.some()
        if name is not None:
            self.step(name, ExtendCollection(self.shop.now_ms + days * DAY_MS, 14 * DAY_MS))
            self.step(name, SayHere("bay 1"))

    @rule(hours=st.integers(0, 40))
    def time_passes(self, hours: int) -> None:
        self.shop.now_ms += hours * DAY_MS // 24
        quiet = not self.shop.waiting
        for name in self.shop.of("collection"):
            one = self.shop.entities["collection", name][0]
            if one.order_id:
                terms, asked = one.terms, one.asking is not None
                early = one.stage == "ready" and terms is not None and self.shop.now_ms < terms.collect_by_ms
                self.shop.do("collection", name, LookAtCollection())
                asks = self.shop.entities["collection", name][0].asking is not None and not asked
                assert not (asks and early), "its time was not over"
                assert not (asks and quiet and self.holds), "its order is held"
        retry_at_ms = self.shop.order().retry_at_ms
        if retry_at_ms is not None and retry_at_ms <= self.shop.now_ms:
            self.shop.do("order", ORDER, RetryAllocation())

    @rule()
    def the_order_is_cancelled(self) -> None:
        if self.random.random() < 0.3:
            try:
                self.shop.do("order", ORDER, UpdateOrder("cancel"))
            except Refused:
                assert (
                    any(f.status == "delivered" for f in self.shop.order().fulfilments) or self.shop.order().cancelled
                )

    @rule(line=st.integers(1, 2), quantity=st.integers(0, 3))
    def less_is_wanted(self, line: int, quantity: int) -> None:
        before, held = missing_of(self.shop.order()), deepcopy(self.shop.order().fulfilments)
        was, sku = self.shop.order().lines[line - 1].quantity, SKUS[line - 1]
        try:
            self.shop.do("order", ORDER, ChangeOrder([LineChange(line, quantity)]))
        except Refused:
            return
        assert self.shop.order().fulfilments == held, "taken from the store"
        assert 0 <= was - quantity <= before.get(sku, 0), "somebody has it"

    @rule(how=st.sampled_from(("start", "send", "send", "arrive", "one", "close")))
    def the_transfer_gets_on(self, how: str) -> None:
        transfers = self.shop.of("transfer")
        if not transfers:
            return
        name = self.random.choice(transfers)
        transfer = self.shop.transfer(name)
        road = [(sku, line.in_transit) for sku, line in transfer.lines.items() if line.in_transit]
        rest = [(sku, line.to_go) for sku, line in transfer.lines.items() if line.to_go]
        command: Any = StartPicking()
        if how == "send" and rest:
            command = DispatchPackages([NewPackage("", rest)], self.shop.now_ms + DAY_MS)
        elif how == "arrive":
            command = ReceiveUnits(["1"])
        elif how == "one" and road:
            command = ReceiveUnits(lines=[ReceivedLine(road[0][0], 1, self.random.choice(("sellable", "damaged")))])
        elif how == "close":
            command = CloseTransfer(road)
        try:
            self.shop.do("transfer", name, command)
        except Refused:
            pass

    # --- what holds
    @invariant()
    def no_stage_follows_that_may_not(self) -> None:
        for name in self.shop.of("collection") if hasattr(self, "shop") else ():
            stage, before = self.shop.entities["collection", name][0].stage, self.stages.get(name, "")
            if stage != before:
                assert before not in OVER, f"{name} goes on: {before} -> {stage}"
                # Several may lie between two looks, when all messages arrive at once.
                assert stage in _reachable(before), f"{before} -> {stage}"
            self.stages[name] = stage

    def check_settled(self) -> None:
        """No message is on its way: each unit is in one place, and what is promised is whose it is."""
        order, shop = self.shop.order(), self.shop
        held, taken = Counter[str](), Counter[str]()
        for one in order.fulfilments:
            for sku, units in one.lines:
                held[sku] += units if one.status in ("allocated", "picking", "packed") else 0
                taken[sku] += units if one.status == "delivered" else 0
        lost, road = Counter[str](), Counter[str]()
        for name in shop.of("transfer"):
            transfer = shop.transfer(name)
            assert transfer.for_order is not None
            held.update(transfer.for_order.landed)
            for sku, line in transfer.lines.items():
                lost[sku] += line.lost
                road[sku] += line.in_transit
        for place in (PORTLAND, SEATTLE):
            for rows in shop.ledger.get(place, ()):
                lost[rows.sku] -= rows.on_hand_delta if rows.reason == "short_pick" else 0
        for sku in SKUS:
            here, there = shop.place(PORTLAND).stock.get(sku), shop.place(SEATTLE).stock.get(sku)
            on_hand = sum(stock.on_hand for stock in (here, there) if stock is not None)
            assert on_hand + taken[sku] + lost[sku] + road[sku] == self.total[sku], f"{sku} is nowhere, or twice"
            assert (here.allocated if here is not None else 0) == held[sku], f"{sku} is promised to nobody, or twice"
        self._agree()

    def _agree(self) -> None:
        order = self.shop.order()
        assert order.pickup is not None
        for name in self.shop.of("collection"):
            one = self.shop.entities["collection", name][0]
            known = order.pickup.collections[name].status
            assert one.asking is None
            if one.stage not in OVER:
                assert (one.paused_at_ms is not None) == bool(self.holds), (
                    "held, and its time goes on, or the other way"
                )
                until_ms = order.pickup.collections[name].collect_by_ms
                assert until_ms == (None if one.terms is None else one.terms.collect_by_ms)
            if one.stage == "cancelled":
                assert order.cancelled
            else:
                assert known == {"located": "locating"}.get(one.stage, one.stage)
            assert not (order.cancelled and one.stage not in OVER)


def _reachable(stage: str) -> set[str]:
    found, new = set[str](), {stage}
    while new:
        found |= new
        new = {after for one in new for after in NEXT.get(one, ())} - found
    return found


TestPickups = Pickups.TestCase
TestPickups.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_the_plays_never_get_to_an_end():
    """Else the model would hold of nothing."""
    ends: Counter[str] = Counter()
    for seed in range(100):
        machine, chance = Pickups(), Random(seed)
        machine.opened(chance.randint(0, 4), chance.randint(0, 3), chance.randint(1, 3), seed, seed % 3 == 0)
        for _ in range(70):
            draw = chance.randint(0, 10)
            if draw < 4:
                machine.all_messages_arrive()
            elif draw == 4:
                machine.units_are_found(True, False)
            elif draw == 5:
                machine.it_is_made_ready(chance.choice((8, 30)))
            elif draw == 6:
                machine.a_code_is_given(CODE)
            elif draw == 7:
                machine.it_is_handed_over(chance.randint(0, 1))
            elif draw == 8:
                machine.the_transfer_gets_on(chance.choice(("start", "send", "arrive")))
            elif draw == 9:
                if seed % 4 == 1:
                    machine.the_order_is_held_or_released("fraud", chance.random() < 0.7)
            else:
                machine.time_passes(chance.choice((0, 0, 10, 30)))
            machine.no_stage_follows_that_may_not()
        ends.update(machine.stages.values())
        machine.teardown()
    assert ends["collected"] > 10
    assert ends["expired"] > 3
    assert ends["given_up"] > 3
