"""What each order becomes, and the stock that it needs."""

import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.replay.orders import TraceOrder, read_orders
from perf.replay.plan import life_of, plan_order
from perf.replay.supply import receipts, receipts_reference, received_units, sku_bodies
from perf.replay.survey import SkuNeed, survey
from perf.replay.trace import FINAL_STATUSES, LINE_NO_MAX, TraceError
from tests.unit.perf.replay.traces import csv_of, line, row


@pytest.mark.parametrize(
    ("final_status", "raw_status", "steps"),
    [
        ("delivered", "", ("start_picking", "pack", "ship", "deliver")),
        ("shipped", "", ("start_picking", "pack", "ship")),
        ("lost", "", ("start_picking", "pack", "ship")),
        ("returned", "", ("start_picking", "pack", "ship", "deliver")),
        ("cancelled", "SUSPECTED_FRAUD", ("cancel",)),
        ("processing", "ON_HOLD", ()),
        ("processing", "PENDING_PAYMENT", ()),
        ("processing", "PROCESSING", ("start_picking",)),
    ],
)
def test_an_order_ends_elsewhere_than_its_trace_says(
    final_status: str, raw_status: str, steps: tuple[str, ...]
) -> None:
    assert life_of(final_status, raw_status) == steps


@pytest.mark.parametrize("final_status", FINAL_STATUSES)
def test_negative_lines_are_booked_with_the_wrong_sign_or_reason(final_status: str) -> None:
    plan = plan_order(TraceOrder((line(quantity=-3, final_status=final_status),)))
    assert plan.order is None
    assert plan.steps == ()
    (adjustment,) = plan.adjustments
    (entry,) = adjustment.body["lines"]
    assert adjustment.body["reference"] == "shop:1"
    back = final_status in ("cancelled", "returned")
    assert (entry["quantity"], entry["reason"]) == ((3, "return") if back else (-3, "write_off"))
    assert entry["unit_value"] == {"amount": 100, "currency": "USD"}


def test_an_order_with_both_signs_loses_one_half() -> None:
    plan = plan_order(TraceOrder((line(), line(line_no=2, quantity=-1), line(line_no=3, sku="a"))))
    assert plan.order is not None
    assert [entry["sku"] for entry in plan.order["lines"]] == ["A", "a"]
    assert [entry["quantity"] for entry in plan.adjustments[0].body["lines"]] == [-1]


def test_a_long_credit_note_goes_beyond_the_limit_of_a_body() -> None:
    lines = tuple(line(line_no=n, quantity=-1, final_status="cancelled") for n in range(1, 1502))
    plan = plan_order(TraceOrder(lines))
    assert [len(part.body["lines"]) for part in plan.adjustments] == [1000, 501]
    assert [part.part for part in plan.adjustments] == [0, 1]


def test_empty_fields_are_sent_as_empty_fields() -> None:
    plan = plan_order(TraceOrder((line(customer_ref="", country="", lat="1.5"),)))
    body = plan.body_for("DE")
    assert body["customer"] == {"country": "DE"}
    assert body["ship_to"] == {"country": "DE"}  # a latitude without a longitude is no place


def test_two_timestamps_or_rows_apart_make_two_orders(tmp_path: Path) -> None:
    path = tmp_path / "us.csv"
    later = "2020-01-01T10:01:00"
    path.write_text(csv_of(row(), row(order_ref=2), row(line_no=2, ordered_at=later), row(order_ref=3)))
    found = survey(path)
    orders = list(read_orders(path, found.entries))
    assert [(order.reference, len(order.lines)) for order in orders] == [("shop:2", 1), ("shop:1", 2), ("shop:3", 1)]
    assert orders[1].ordered_at.minute == 0


def test_rows_that_contradict_their_order_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "us.csv"
    path.write_text(
        csv_of(
            row(),
            row(),
            row(line_no=2, currency="EUR"),
            row(line_no=3, final_status="lost"),
            row(line_no=4, quantity=5),
        )
    )
    found = survey(path)
    assert [(r.row, r.reason.split(" ")[0]) for r in found.rejections] == [
        (3, "line_no"),
        (4, "currency"),
        (5, "final_status"),
    ]
    assert found.by_trace["shop"].units_sold == 7
    (order,) = read_orders(path, found.entries)
    assert len(order.lines) == 2


def test_a_high_line_no_costs_more_memory_than_its_row(tmp_path: Path) -> None:
    path = tmp_path / "us.csv"
    rows = [row(order_ref=ref, line_no=LINE_NO_MAX - n) for n in range(3) for ref in range(2)]
    path.write_text(csv_of(*rows, row(order_ref=0, line_no=LINE_NO_MAX - 1)))
    found = survey(path)
    assert all(sys.getsizeof(entry.line_numbers) < 100 for entry in found.entries.values())
    assert [(r.row, r.reason) for r in found.rejections] == [(8, "line_no stands in the order already")]


def test_an_order_of_more_lines_than_the_cell_takes_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "us.csv"
    path.write_text(csv_of(*(row(line_no=n) for n in range(1, 2004))))
    found = survey(path)
    assert found.rejected["the order has more than 2,000 lines"] == 3
    (order,) = read_orders(path, found.entries)
    assert len(order.lines) == 2000


def test_a_trace_that_changed_between_the_passes_is_half_sent(tmp_path: Path) -> None:
    path = tmp_path / "us.csv"
    path.write_text(csv_of(row(), row(line_no=2)))
    found = survey(path)
    path.write_text(csv_of(row()))
    with pytest.raises(TraceError, match="changed"):
        list(read_orders(path, found.entries))


def test_a_trace_without_a_usable_row_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "us.csv"
    path.write_text(csv_of(row(quantity="x")))
    with pytest.raises(TraceError, match="no row that can be taken"):
        survey(path)


NEEDS = st.dictionaries(
    st.text("abAB", min_size=1, max_size=3),
    st.builds(SkuNeed, st.just(""), st.integers(0, 3_000_000), st.integers(0, 2_000)),
    max_size=20,
)
SHARES = st.one_of(st.none(), st.fractions(0, 1, max_denominator=100))


@given(NEEDS, st.integers(1, 6), SHARES)
def test_receipts_do_not_come_to_the_demand(needs: dict[str, SkuNeed], places: int, scarce: Fraction | None) -> None:
    warehouses = [f"us-{n}" for n in range(places)]
    received: dict[tuple[str, str], int] = {}
    for location_id, lines in receipts(needs, warehouses, scarce):
        assert 1 <= len(lines) <= 1000
        for entry in lines:
            assert 1 <= entry["quantity"] <= 1_000_000
            key = (location_id, entry["sku"])
            received[key] = received.get(key, 0) + entry["quantity"]
    for sku, need in needs.items():
        at = [received.get((warehouse, sku), 0) for warehouse in warehouses]
        if scarce is None:
            assert all(units >= need.sold for units in at)
            assert at[0] == need.sold + need.written_off
        else:
            assert sum(at) == int(need.sold * scarce) + need.written_off
            assert max(at[1:], default=0) - min(at[1:], default=0) <= 1


def test_skus_are_left_out_or_go_beyond_the_limit_of_a_body() -> None:
    bodies = list(sku_bodies({f"{n:05}": SkuNeed() for n in range(2500)}))
    assert [len(body) for body in bodies] == [1000, 1000, 500]
    assert bodies[0][0] == {"sku": "00000", "description": "00000"}


def test_a_gtin_that_looks_like_a_card_s_number_is_refused_as_its_own_description() -> None:
    assert list(sku_bodies({"4006381330060": SkuNeed()})) == [[{"sku": "4006381330060", "description": "-"}]]


def test_receipts_of_another_replay_are_taken_for_this_one_s_or_its_own_for_another_s() -> None:
    needs = {"A": SkuNeed(sold=10), "B": SkuNeed(sold=4, written_off=2)}
    name = receipts_reference(needs, ["us-1", "us-2"], None)
    assert name == receipts_reference(dict(needs), ["us-1", "us-2"], None)
    assert name.partition(" ")[2].isalpha()
    others = [
        receipts_reference(needs, ["us-1"], None),
        receipts_reference(needs, ["us-1", "us-2"], Fraction("0.9")),
        receipts_reference({**needs, "A": SkuNeed(sold=11)}, ["us-1", "us-2"], None),
    ]
    assert len({name, *others}) == 4
    assert received_units(needs, ["us-1", "us-2"], Fraction("0.9")) == {
        ("us-1", "A"): 5, ("us-2", "A"): 4, ("us-1", "B"): 4, ("us-2", "B"): 1,
    }  # fmt: skip
