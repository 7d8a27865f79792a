"""The comparison must bite: each way to break a promise is found."""

import pytest

from perf.chaos.told import Acknowledged, Notebook, ToldOrder
from perf.chaos.verdict import Found, FoundOrder, FoundStock, Turn, judge

ORDER, PLACE, SKU = "us-1", "us-wh", "A"


def told_and_found():
    """A run in which all went well: one order, placed, picked and shipped; two units of three left."""
    told = Notebook()
    told.orders[ORDER] = ToldOrder(ORDER, {SKU: 1})
    for key, version, status in (("place", 2, "allocated"), ("pick", 3, "picking"), ("ship", 4, "shipped")):
        told.acknowledge(Acknowledged("order", ORDER, key, version, status, 1.0, 1.1, 1))
    told.received[PLACE, SKU] = 3
    turns = [
        Turn("order", ORDER, "place", 1, 1, 0),
        Turn("order", ORDER, "us-1/1.0:reply", 2, 1, 0),
        Turn("order", ORDER, "pick", 3, 1, 0),
        Turn("order", ORDER, "ship", 4, 1, 0),
    ]
    found = Found(
        turns=turns,
        orders={ORDER: FoundOrder(ORDER, 4, "shipped", [(PLACE, "shipped", {SKU: 1})])},
        stock={(PLACE, SKU): FoundStock(2, 0, 0, 2, 0)},
    )
    return told, found


def test_a_good_run_is_condemned():
    verdict = judge(*told_and_found())
    assert verdict.good, verdict
    assert verdict.acknowledged == 3


def test_a_lost_update_is_not_found():
    told, found = told_and_found()
    del found.turns[2]
    verdict = judge(told, found)
    assert verdict.lost == ["order us-1 pick at version 3"]
    assert verdict.wrong, "the gap in the versions is seen too"


def test_an_update_that_was_refused_counts_as_done():
    told, found = told_and_found()
    found.turns[2] = Turn("order", ORDER, "pick", 3, 0, 1)
    assert judge(told, found).lost


@pytest.mark.parametrize("command_id", ["pick", "us-1/1.0:reply"])
def test_an_update_or_a_message_done_twice_is_not_found(command_id):
    told, found = told_and_found()
    found.turns.append(Turn("order", ORDER, command_id, 5, 1, 0))
    found.orders[ORDER] = FoundOrder(ORDER, 5, "shipped", [(PLACE, "shipped", {SKU: 1})])
    assert judge(told, found).doubled


def test_a_key_that_placed_two_orders_is_not_found():
    told, found = told_and_found()
    found.turns.append(Turn("order", "us-2", "place", 1, 1, 0))
    found.orders["us-2"] = FoundOrder("us-2", 1, "placed", [])
    assert judge(told, found).doubled == ["key place placed 2 orders"]


def test_two_turns_at_one_version_are_not_found():
    told, found = told_and_found()
    found.turns.append(Turn("order", ORDER, "other", 4, 1, 0))
    assert judge(told, found).wrong


def test_an_order_that_went_back_is_not_found():
    told, found = told_and_found()
    found.orders[ORDER] = FoundOrder(ORDER, 3, "picking", [(PLACE, "picking", {SKU: 1})])
    assert judge(told, found).lost


def cancelled(*later):
    """The order was cancelled while it waited, and these turns came after."""
    told, found = told_and_found()
    order = told.orders[ORDER]
    told.acknowledge(Acknowledged("order", ORDER, "cancel", 5, "cancelled", 1.0, 1.1, 1))
    assert order.status == "cancelled"
    found.turns.append(Turn("order", ORDER, "cancel", 5, 1, 0))
    found.turns += [Turn("order", ORDER, command_id, 6 + n, 1, 0) for n, command_id in enumerate(later)]
    found.orders[ORDER] = FoundOrder(ORDER, 5 + len(later), "cancelled", [(PLACE, "cancelled", {SKU: 1})])
    found.stock[PLACE, SKU] = FoundStock(3, 0, 0, 3, 0)
    return told, found


def test_an_order_that_leaves_its_line_after_its_end_is_condemned():
    assert judge(*cancelled("us-1/5.0:reply", "us-wh/9.0")).wrong == []


def test_an_order_that_went_on_after_its_end_is_not_found():
    assert judge(*cancelled("allocate")).wrong
    told, found = cancelled("us-1/5.0:reply")
    found.orders[ORDER] = FoundOrder(ORDER, 6, "allocated", [(PLACE, "cancelled", {SKU: 1})])
    assert judge(told, found).wrong


def test_a_cancelled_order_that_keeps_its_units_is_not_found():
    told, found = cancelled()
    found.orders[ORDER] = FoundOrder(ORDER, 5, "cancelled", [(PLACE, "allocated", {SKU: 1})])
    found.stock[PLACE, SKU] = FoundStock(3, 1, 0, 3, 1)
    assert judge(told, found).wrong


@pytest.mark.parametrize(
    "stock",
    [
        FoundStock(2, 0, 0, 3, 0),
        FoundStock(2, 1, 0, 2, 1),
        FoundStock(-1, 0, 0, -1, 0),
        FoundStock(2, 3, 0, 2, 3),
        FoundStock(3, 0, 0, 3, 0),
    ],
)
def test_stock_that_does_not_add_up_is_not_found(stock):
    told, found = told_and_found()
    found.stock[PLACE, SKU] = stock
    assert judge(told, found).wrong


def test_messages_that_stay_are_not_found():
    told, found = told_and_found()
    found.outbox = 1
    assert judge(told, found).wrong


def test_a_read_that_is_behind_what_was_told_is_not_noted():
    told, _ = told_and_found()
    told.read(told.orders[ORDER], 3, "picking")
    assert told.wrong
