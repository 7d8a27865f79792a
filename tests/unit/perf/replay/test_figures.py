"""The figures: counted from rows, read from grouped rows of Postgres, compared with expected.json."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from perf.replay.figures import FigureCounter, Figures, Revenue, compare, load_expected, total, without
from perf.replay.readback import Readback, figures_of, read_settled
from perf.replay.survey import survey
from perf.replay.tally import Lacking
from tests.unit.perf.replay.traces import csv_of, line, row

TRACES = Path(__file__).parents[4].parent / "shared" / "data" / "traces"


def counted() -> Figures:
    counter = FigureCounter()
    lines: tuple[dict[str, Any], ...] = (
        {"order_ref": 1, "quantity": 2},
        {"order_ref": 2, "quantity": 3, "final_status": "cancelled"},
        {"order_ref": 3, "quantity": -4, "final_status": "cancelled"},
        {"order_ref": 4, "quantity": -5, "final_status": "lost"},
        {"order_ref": 5, "quantity": 6, "final_status": "returned"},
        {"order_ref": 6, "quantity": 7, "final_status": "processing"},
    )
    for position, changes in enumerate(lines):
        counter.add(line(**changes), first_of_order=True)
        assert counter.by_trace["shop"].lines == position + 1
    return counter.by_trace["shop"]


def test_figures_are_counted_otherwise_than_defined() -> None:
    figures = counted()
    assert (figures.orders, figures.lines, figures.units_sold) == (6, 6, 18)
    assert (figures.units_returned, figures.units_written_off) == (4, 5)
    assert (figures.cancelled_orders, figures.cancelled_orders_with_positive_lines) == (2, 1)
    assert figures.revenue["USD"] == Revenue(gross=1800, negative=-900, cancelled=300)
    assert figures.revenue["USD"].net == 900


def test_the_same_facts_in_postgres_come_to_other_figures() -> None:
    orders: list[tuple[Any, ...]] = [
        ("shop", "shipped", "shipped", "USD", 1, 1, 2, 200),
        ("shop", "cancelled", "cancelled", "USD", 1, 1, 3, 300),
        ("shop", "returned", "delivered", "USD", 1, 1, 6, 600),
        ("shop", "processing", "allocated", "USD", 1, 1, 7, 700),
    ]
    ledger: list[tuple[Any, ...]] = [
        ("shop", "cancelled", "return", "USD", 1, 4, 400, 1),
        ("shop", "lost", "write_off", "USD", 1, 5, 500, 1),
    ]
    found = figures_of(orders, ledger).by_trace["shop"]
    assert [d for d in compare(counted(), found) if not d.equal] == []


@pytest.mark.parametrize("status", ["allocated", "packed", "partly_shipped", "cancelled", "delivered"])
def test_an_order_that_got_stuck_counts_as_shipped(status: str) -> None:
    found = figures_of([("shop", "shipped", status, "USD", 1, 1, 2, 200)], []).by_trace["shop"]
    assert "shipped" not in found.orders_by_final_status


def test_a_figure_that_only_one_side_has_is_not_compared() -> None:
    left = Figures(orders=1, orders_by_final_status={"shipped": 1})
    right = Figures(orders=1, orders_by_final_status={"processing": 1}, revenue={"EUR": Revenue(gross=1)})
    unequal = {d.name for d in compare(left, right) if not d.equal}
    assert unequal == {"orders shipped", "orders processing", "EUR gross", "EUR net", "EUR net without cancelled"}
    assert {d.name for d in compare(left, right, skip_statuses=True) if not d.compared} == {
        "orders shipped",
        "orders processing",
    }


@pytest.mark.parametrize("name", ["sample_us", "sample_eu", "sample_latam", "us", "latam"])
def test_a_real_trace_is_counted_otherwise_than_expected(name: str) -> None:
    path = TRACES / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not here: real traces come beside the project, not with it")
    found = survey(path)
    expectation = load_expected(path, found.sha256)
    assert expectation.by_trace is not None, expectation.note
    assert not found.rejected
    assert [d for d in compare(total(expectation.by_trace), total(found.by_trace)) if not d.equal] == []
    for trace, wanted in expectation.by_trace.items():
        assert [d for d in compare(wanted, found.by_trace[trace]) if not d.equal] == []


def test_expected_json_is_believed_about_another_file(tmp_path: Path) -> None:
    path = tmp_path / "us.csv"
    path.write_text(csv_of(row()))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert load_expected(path, sha256).by_trace is None
    expected = tmp_path / "expected.json"
    entry = {"file": "traces/us.csv", "sha256_of_uncompressed_csv": sha256, "by_trace": {}}
    entry["total"] = {
        "orders": 1, "lines": 1, "units_sold": 2, "units_returned": 0, "units_written_off": 0, "cancelled_orders": 0,
        "cancelled_orders_with_positive_lines": 0, "orders_by_final_status": {}, "revenue_minor": {},
    }  # fmt: skip
    expected.write_text(json.dumps({"samples": {"us": entry}}))
    assert load_expected(path, sha256).by_trace == {}
    assert "another content" in load_expected(path, "0" * 64).note
    assert "is not in" in load_expected(tmp_path / "eu.csv", sha256).note
    for rubbish in (b"{", b"\xff", b'{"regions": {"\xff": {}}}', b"[]"):
        expected.write_bytes(rubbish)
        assert "can't be used" in load_expected(path, sha256).note


class _Growing:
    """A Postgres whose counts of orders are these, one reading after the other; the last one stays."""

    def __init__(self, *orders: int) -> None:
        self._orders = list(orders)

    def read(self) -> Readback:
        return Readback({}, self._orders.pop(0) if len(self._orders) > 1 else self._orders[0], 0)


def _settle(source: _Growing, orders: int, deadline_s: float = 300.0) -> tuple[int, bool, float]:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    found, settled = read_settled(source, orders, 0, deadline_s, 1.5, sleep, lambda: now[0])  # type: ignore[arg-type]
    return found.orders, settled, now[0]


def test_figures_are_taken_before_write_behind_has_caught_up() -> None:
    assert _settle(_Growing(0, 0, 0, 10, 10, 20), orders=20)[:2] == (20, True)


def test_orders_that_come_double_after_the_last_acknowledged_are_missed() -> None:
    assert _settle(_Growing(20, 20, 21), orders=20)[:2] == (21, True)


def test_orders_that_never_come_are_waited_for_without_end() -> None:
    orders, settled, waited_s = _settle(_Growing(0, 19), orders=20)
    assert (orders, settled) == (19, False)
    assert waited_s < 30
    assert _settle(_Growing(*range(10_000)), orders=99_999, deadline_s=5.0)[1] is False


def test_write_offs_of_units_that_were_not_there_are_still_expected():
    known = {"uci": Figures(orders=2, lines=5, units_written_off=30, orders_by_final_status={"lost": 2})}
    known["uci"].revenue["GBP"] = Revenue(gross=900, negative=-70)
    lacking = [
        Lacking("uci:1", "lost", 20, 2, {"GBP": -60}, whole=True),
        Lacking("uci:2", "lost", 4, 1, {"GBP": 0}, whole=False),
    ]
    left = without(known, lacking)["uci"]
    assert (left.orders, left.lines, left.units_written_off) == (1, 2, 6)
    assert left.orders_by_final_status == {"lost": 1}
    assert left.revenue["GBP"] == Revenue(gross=900, negative=-10)
    assert known["uci"].lines == 5, "what was known is not changed"
