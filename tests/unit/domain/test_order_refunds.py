"""Money of orders that is given back: more than they came to, twice, or of what nobody paid for."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain import order_state
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.order import ORDER
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_events import Event
from actors.domain.order_refund_commands import GiveRefund, WantRefund
from actors.domain.order_refund_events import RefundGiven
from actors.domain.order_refund_state import REFUNDS_MAX
from actors.domain.order_refunds import RefundPossible
from actors.domain.order_terms_state import Terms
from tests.unit.domain.floor_world import OTHER, PLACE, refused
from tests.unit.domain.terms_world import THIRD, Terms3


@pytest.fixture
def world():
    return Terms3(here={"a": 5, "b": 5}, there={"a": 5})


def give(world, order_id, amount, **more):
    return world.do("order", order_id, GiveRefund(amount, "USD", "damaged", **more))


def test_a_refund_is_not_seen_or_not_counted(world):
    made = world.placed_with(None, ("a", 3))
    told = give(world, made, 120)
    assert (told.refund.refund_id, told.refund.amount.amount, told.refund.reason) == (f"{made}.r1", 120, "damaged")
    assert (told.refunded.amount, told.kept.amount, told.kept.currency) == (120, 180, "USD")
    world.now_ms += 1000
    give(world, made, 180)
    shown = world.view(made)
    assert [(one.refund_id, one.amount.amount) for one in shown.refunds] == [(f"{made}.r1", 120), (f"{made}.r2", 180)]
    assert shown.refunds[0].given_at < shown.refunds[1].given_at
    assert (shown.total.amount, shown.status) == (300, "allocated")
    assert world.view(made, own=True).refunds == shown.refunds
    row = ORDER.rows(world.of(made), 9, [], Context(made, "c", world.now_ms))[0]
    assert order_state.restored(row.state) == world.of(made)


def test_a_plain_order_shows_or_keeps_something_of_refunds(world):
    made = world.placed_with(None, ("a", 1))
    assert world.of(made).refunds is None
    assert b"refunds" not in msgspec.json.encode(world.view(made))


def test_more_is_given_back_than_the_order_came_to(world):
    made = world.placed_with(None, ("a", 3))
    refused("refund.too_much", lambda: give(world, made, 301))
    give(world, made, 200)
    with pytest.raises(Refused) as told:
        give(world, made, 101)
    assert (told.value.body.code, told.value.body.extra["kept_minor"]) == ("refund.too_much", 100)
    give(world, made, 100)
    refused("refund.too_much", lambda: give(world, made, 1))


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_or_less_is_given_back(world, amount):
    made = world.placed_with(None, ("a", 1))
    refused("refund.amount_zero", lambda: give(world, made, amount))


def test_another_currency_is_taken_for_the_order_s(world):
    made = world.placed_with(None, ("a", 1))
    refused("refund.currency_differs", lambda: world.do("order", made, GiveRefund(1, "CAD", "price")))


def test_what_nobody_serves_is_paid_back(world):
    refused("order.unknown", lambda: give(world, "us-01kah2v3nq7h3k2m9qk4t1x0ab", 1))
    nowhere = world.placed_with(None, ("c", 1))
    asking = world.placed_with(None, ("a", 1), settle=False)
    assert (world.status_of(asking), world.status_of(nowhere)) == ("placed", "backordered")
    for order_id in (asking, nowhere):
        refused("refund.nothing_served", lambda order_id=order_id: give(world, order_id, 1))


def test_a_cancelled_order_is_paid_back_by_its_cancellation_and_by_a_refund(world):
    for fulfilment in (None, 1):
        made = world.placed_with(None, ("a", 1))
        give(world, made, 40)
        world.step(made, "cancel", fulfilment=fulfilment)
        assert world.status_of(made) == "cancelled"
        refused("refund.order_cancelled", lambda made=made: give(world, made, 1))
        assert [one.amount.amount for one in world.view(made).refunds] == [40]


def test_a_part_that_was_cancelled_or_an_order_that_is_over_is_never_paid_back(world):
    made = world.placed_with(None, ("a", 7))
    world.step(made, "cancel", fulfilment=1)
    give(world, made, 500)
    for update in ("start_picking", "pack", "ship", "deliver"):
        world.do("order", made, UpdateOrder(update, 2, by_floor=True))
    assert world.status_of(made) == "delivered"
    assert give(world, made, 200).kept.amount == 0


def test_a_change_pays_back_again_what_a_refund_gave(world):
    made = world.placed_with(None, ("a", 4))
    give(world, made, 300)
    # 400 were paid, of which 100 are left; two units less would be 200.
    told = world.change(made, (1, 2))
    assert (told.refund.amount, told.total.amount) == (100, 200)
    refused("refund.too_much", lambda: give(world, made, 1))
    # Three units cost what he has back already, a fourth is to be paid.
    assert world.change(made, (1, 3)).refund.amount == 0
    assert world.change(made, (1, 4)).refund.amount == -100
    assert world.view(made).terms.refund is None
    assert give(world, made, 100).kept.amount == 0


def test_what_changes_took_off_is_given_back_once_more(world):
    made = world.placed_with(None, ("a", 4))
    assert world.change(made, (1, 1)).refund.amount == 300
    refused("refund.too_much", lambda: give(world, made, 101))
    assert give(world, made, 100).kept.amount == 0


def test_an_order_has_refunds_without_end(world):
    made = world.placed_with(None, ("a", 5))
    for _ in range(REFUNDS_MAX):
        give(world, made, 1)
    refused("refund.too_many", lambda: give(world, made, 1))


def test_somebody_pays_back_what_lies_where_his_rights_do_not_reach(world):
    made = world.placed_with(None, ("a", 7))
    refused("order.location_forbidden", lambda: give(world, made, 1, within=[PLACE]))
    assert give(world, made, 1, within=[PLACE, OTHER]).refunded.amount == 1


def test_a_look_whether_it_could_be_gives_something_back_or_is_looser(world):
    made = world.placed_with(None, ("a", 7))
    wanted = GiveRefund(700, "USD", "late")
    assert world.do("order", made, WantRefund(wanted)).location_id == PLACE
    world.step(made, "cancel", fulfilment=1)
    before = world.entities["order", made]
    assert world.do("order", made, WantRefund(wanted)).location_id == OTHER
    assert world.entities["order", made] == before
    for wrong, code in (
        (GiveRefund(701, "USD", "late"), "refund.too_much"),
        (GiveRefund(1, "CAD", "late"), "refund.currency_differs"),
        (GiveRefund(1, "USD", "late", [THIRD]), "order.location_forbidden"),
    ):
        refused(code, lambda wrong=wrong: world.do("order", made, WantRefund(wrong)))


def test_who_gives_back_in_parts_needs_nobody_else(world):
    made = world.placed_with(None, ("a", 5))
    assert give(world, made, 200, alone_minor_max=300).refunded.amount == 200
    before = world.entities["order", made]
    asked = give(world, made, 101, alone_minor_max=300)
    assert (type(asked), asked.location_id, asked.version) == (RefundPossible, PLACE, before[1])
    assert world.entities["order", made] == before
    assert give(world, made, 100, alone_minor_max=300).refunded.amount == 300
    for amount in (1, 200):
        assert type(give(world, made, amount, alone_minor_max=300)) is RefundPossible
    refused("refund.too_much", lambda: give(world, made, 201, alone_minor_max=300))


def test_what_two_people_gave_back_takes_the_room_of_what_one_may_give(world):
    made = world.placed_with(None, ("a", 5))
    assert give(world, made, 300, cause="us-approval-x").refunded.amount == 300
    assert give(world, made, 100, alone_minor_max=100).refunded.amount == 400
    assert type(give(world, made, 1, alone_minor_max=100)) is RefundPossible


def test_one_person_gives_back_a_little_of_what_he_may_give_nothing_of_or_not_all_without_a_threshold(world):
    made = world.placed_with(None, ("a", 2))
    assert type(give(world, made, 1, alone_minor_max=0)) is RefundPossible
    assert give(world, made, 200).kept.amount == 0


def test_a_refund_that_was_asked_for_before_parts_were_counted_can_not_be_read_or_waits_again():
    stored = b'{"type":"GiveRefund","amount":5,"currency":"USD","reason":"price","cause":"us-approval-x"}'
    assert msgspec.json.decode(stored, type=GiveRefund) == GiveRefund(5, "USD", "price", [], "us-approval-x")


def test_a_refund_lets_go_what_is_held_or_stands_in_the_way_of_it(world):
    made = world.placed_with(Terms(service_level="express"), ("a", 2))
    world.hold(made, "payment")
    give(world, made, 50)
    world.settle()
    assert [hold.kind for hold in world.of(made).terms.holds] == ["payment"]
    world.release(made, "payment")
    world.check_books()


def test_an_order_from_before_there_were_refunds_can_not_be_read(world):
    made = world.placed_with(None, ("a", 2))
    state = world.of(made)
    fields = msgspec.msgpack.decode(msgspec.msgpack.encode(state))
    old = msgspec.msgpack.encode(fields[: order_state.Order.__struct_fields__.index("refunds")])
    assert order_state.restored(old) == state


def test_a_refund_without_an_approval_says_that_there_was_one():
    event = RefundGiven(1, 5, "USD", "price")
    assert msgspec.json.decode(msgspec.json.encode(event)) == {
        "type": "RefundGiven", "number": 1, "amount": 5, "currency": "USD", "reason": "price",
    }  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event
