"""Whether stock adds up: every place and every order by itself, so that two wrongs don't make a right."""

from typing import Any

import pytest

from perf.replay.readback import read_stock_settled
from perf.replay.stock import PROBLEMS_KEPT_MAX, OrderStock, SpotStock, StockReport, check_stock

HERE, THERE = ("us-1", "A"), ("us-2", "A")
NOTHING = SpotStock()


def order(reference: str = "shop:1", **changes: Any) -> OrderStock:
    """Four units, all shipped from the first place."""
    known: dict[str, Any] = {
        "reference": reference, "order_id": f"us-{reference}", "status": "shipped", "wanted": {"A": 4},
        "parts": [("us-1", "shipped", [("A", 4)])], "ledger": [("us-1", "A", 4, 0)],
    }  # fmt: skip
    return OrderStock(**{**known, **changes})


def different(
    orders: list[OrderStock], here: SpotStock, there: SpotStock = NOTHING, told: tuple[str, ...] = ()
) -> dict[str, int]:
    received = {HERE: 10} | ({THERE: there.received} if there.received else {})
    report = check_stock(orders, {HERE: here, THERE: there}, received, told)
    assert report.equal == (not report.problems)
    return {figure.name.partition(":")[0]: figure.different for figure in report.figures if figure.different}


def test_stock_that_adds_up_is_different() -> None:
    open_ = order("shop:2", status="picking", parts=[("us-1", "picking", [("A", 4)])], ledger=[("us-1", "A", 0, 4)])
    here = SpotStock(received=10, returned=1, written_off=2, corrected=-1, on_hand=4, allocated=4)
    assert different([order(), open_], here, told=("shop:1",)) == {}


@pytest.mark.parametrize(
    ("here", "name"),
    [
        (SpotStock(received=10, on_hand=10), "units on hand"),
        (SpotStock(received=10, on_hand=6, allocated=1), "units allocated"),
        (SpotStock(received=9, others_received=1, on_hand=6), "units received"),
        (SpotStock(received=10, on_hand=6, allocated=7), "units promised and shipped"),
    ],
)
def test_a_count_that_nothing_explains_is_equal(here: SpotStock, name: str) -> None:
    assert different([order()], here)[name] == 1


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"ledger": [("us-1", "A", 3, 0)]}, "units shipped"),
        ({"ledger": [("us-2", "A", 4, 0)]}, "units shipped"),
        ({"ledger": []}, "units shipped"),
        ({"ledger": [("us-1", "A", 4, 4)]}, "units allocated"),
        ({"wanted": {"A": 5}}, "units shipped by orders told as shipped"),
        ({"wanted": {"A": 3}, "status": "partly_shipped"}, "units that an order has"),
        ({"status": "cancelled"}, "units that an order has"),
    ],
)
def test_an_order_that_the_ledger_or_its_lines_contradict_is_equal(wrong: dict[str, Any], name: str) -> None:
    assert different([order(**wrong)], SpotStock(received=10, on_hand=6))[name] == 1


def test_two_places_that_are_wrong_by_the_same_are_right_together() -> None:
    wrong = different([order()], SpotStock(received=10, on_hand=7), SpotStock(received=5, on_hand=4))
    assert wrong["units on hand"] == 2


def test_an_order_that_was_told_as_shipped_and_is_not_goes_unnoticed() -> None:
    waits = order(status="backordered", parts=[], ledger=[], may_lack=True)
    here = SpotStock(received=10, on_hand=10)
    assert different([waits], here, told=("shop:1",)) == {"orders told as shipped": 1}


def test_an_order_lacks_what_lies_free() -> None:
    waits = order(status="backordered", parts=[], ledger=[])
    free = SpotStock(received=10, on_hand=10, free=10)
    assert different([waits], free) == {"units that orders lack though they lie free": 1}
    assert different([order(status="cancelled", parts=[], ledger=[])], free) == {}
    later = order(status="backordered", parts=[], ledger=[], may_lack=True)
    assert different([later], free) == {}
    there = order(status="backordered", parts=[], ledger=[], waits_at=frozenset({"us-2"}))
    assert different([there], free) == {}
    here = order(status="backordered", parts=[], ledger=[], waits_at=frozenset({"us-1", "us-2"}))
    assert different([here], free) == {"units that orders lack though they lie free": 1}


def test_a_thousand_differences_fill_the_screen() -> None:
    orders = [order(f"shop:{n}", ledger=[]) for n in range(1_000)]
    report = check_stock(orders, {}, None, ())
    assert len(report.problems) == PROBLEMS_KEPT_MAX
    assert report.problems[0].startswith("shop:0: units shipped")


def _reports(*wrongs: int) -> tuple[StockReport, float]:
    """What settles if the stock is wrong by these, one reading after the other; the last one stays. And
    after how many seconds."""
    left, now = list(wrongs), [0.0]

    def read() -> StockReport:
        wrong = left.pop(0) if len(left) > 1 else left[0]
        return check_stock([], {HERE: SpotStock(on_hand=wrong)}, None, ())

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return read_stock_settled(read, 300.0, sleep, lambda: now[0]), now[0]


def test_stock_that_is_still_on_its_way_is_wrong() -> None:
    assert _reports(3, 2, 0)[0].equal


def test_stock_that_stays_wrong_is_waited_for_without_end() -> None:
    report, waited_s = _reports(3, 2)
    assert not report.equal
    assert waited_s < 30
