"""The real samples against the fake cell: what is in Postgres afterwards must equal expected.json."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import psycopg
import pytest

from tests.integration.replay.conftest import Bench

pytestmark = pytest.mark.real

Start = Callable[..., Bench]
Find = Callable[[str], Path]

# A transaction for each of thousands of requests would take longer than all else.
DRAIN_S = 0.05


def _rows(url: str) -> tuple[int, int]:
    with psycopg.connect(url) as connection:
        counts = connection.execute("SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM ledger)").fetchone()
    assert counts is not None
    return counts[0], counts[1]


@pytest.mark.parametrize("region", ["us", "eu", "latam"])
def test_a_sample_comes_out_with_other_figures_than_expected(region: str, bench: Start, sample: Find) -> None:
    trace = sample(f"sample_{region}.csv.gz")
    here = bench(region, drain_s=DRAIN_S)
    code, shown = here.replay(trace)
    assert code == 0, shown
    assert "compared with" in shown
    assert "different" not in shown
    assert not any(order.status in ("backordered", "partly_allocated") for order in here.cell.orders.values())


def test_sending_a_trace_again_changes_something(bench: Start, sample: Find) -> None:
    trace = sample("sample_latam.csv.gz")
    here = bench("latam", drain_s=DRAIN_S)
    code, shown = here.replay(trace)
    assert code == 0, shown
    orders, entries, stock = dict(here.cell.orders), len(here.cell.ledger), repr(here.cell.available)
    rows = _rows(here.postgres_url)
    sent, repeated = len(here.cell.keys_seen), here.cell.repeated
    code, shown = here.replay(trace)
    assert code == 0, shown
    # Every write of the second run was known by its key.
    assert here.cell.repeated - repeated == len(here.cell.keys_seen) - sent
    assert (here.cell.orders, len(here.cell.ledger), repr(here.cell.available)) == (orders, entries, stock)
    assert _rows(here.postgres_url) == rows


def test_scarce_stock_bends_the_figures_or_stops_the_replay(bench: Start, sample: Find) -> None:
    here = bench("us", drain_s=DRAIN_S)
    code, shown = here.replay(sample("sample_us.csv.gz"), scarce=Fraction("0.9"))
    assert code == 0, shown
    assert "not compared (scarce)" in shown
    statuses = {order.status for order in here.cell.orders.values()}
    assert "backordered" in statuses or "partly_shipped" in statuses
    assert all(units >= 0 for stock in here.cell.available.values() for units in stock.values())
