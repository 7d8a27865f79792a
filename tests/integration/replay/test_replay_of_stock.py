"""What a cell does wrong with its stock: each has to be told, under --scarce as well."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import psycopg
import pytest

from tests.integration.replay.conftest import Bench
from tests.integration.replay.fake_cell import WRONGS

pytestmark = pytest.mark.real

Start = Callable[..., Bench]
Write = Callable[..., Path]

# 40 units are ordered of each SKU, one order is called off; of the second SKU some come back, and some are written off.
ROWS = (
    *(f"2020-01-01T10:00:{n:02},shop,{n},1,online,c,US,A,Apple,4,100,USD,delivered,,," for n in range(10)),
    *(f"2020-01-01T10:01:{n:02},shop,1{n},1,online,c,US,B,Bean,4,100,USD,shipped,,," for n in range(10)),
    "2020-01-01T10:02:00,shop,90,1,online,c,US,A,Apple,3,100,USD,cancelled,,,",
    "2020-01-01T10:02:01,shop,91,1,online,c,US,B,Bean,-2,100,USD,cancelled,,,",
    "2020-01-01T10:02:02,shop,92,1,online,c,US,B,Bean,-1,100,USD,lost,,,",
)
NINETY = Fraction("0.9")


@pytest.mark.parametrize("scarce", [None, NINETY])
def test_stock_that_adds_up_is_told_as_wrong(bench: Start, write_trace: Write, scarce: Fraction | None) -> None:
    code, shown = bench("us").replay(write_trace(*ROWS), scarce=scarce)
    assert code == 0, shown
    assert ("Postgres holds exactly this trace, and its stock adds up" in shown) == (scarce is None)
    # Who comes first decides whether there is something left to write off.
    assert ("equal in what is compared under --scarce" in shown) == (scarce is not None)
    assert "stock adds up" in shown
    assert "units on hand: received + returned − written off − shipped" in shown


SHOWN = {
    "idle": "units that orders lack though they lie free",
    "greedy": "units promised and shipped: not more than came in",
    "stays": "units on hand: received + returned − written off − shipped",
    "keeps": "units allocated: what orders' open parts hold",
    "claims": "orders told as shipped: have shipped units",
    "doubles": "units received: the trace's arithmetic",
    "generous": "units shipped: the ledger beside each order's shipped parts",
}


@pytest.mark.parametrize("wrong", WRONGS)
def test_a_cell_whose_stock_is_nonsense_passes_for_equal(bench: Start, write_trace: Write, wrong: str) -> None:
    here = bench("us", wrongs=frozenset({wrong}))
    code, shown = here.replay(write_trace(*ROWS), scarce=NINETY, readback_s=1.0)
    assert code == 1, shown
    assert "stock adds up" not in shown
    assert any(SHOWN[wrong] in line and "different" in line for line in shown.splitlines()), shown


PLANTED = {
    "on hand": "UPDATE stock SET on_hand = on_hand + 1 WHERE sku = 'A'",
    "allocated": "UPDATE stock SET allocated = allocated + 1 WHERE sku = 'A'",
    "two wrongs that cancel out": """UPDATE stock SET on_hand = on_hand + CASE location_id WHEN 'us-wh-chicago' THEN 1 ELSE -1 END
        WHERE sku = 'A' AND location_id <> 'us-wh-new-york'""",
    "no stock at all": "DELETE FROM stock",
    "a shipment of nobody": """INSERT INTO ledger SELECT location_id, 999, 0, sku, 'ship', 1, '', NULL, NULL, -1, -1, 'us-0.1'
        FROM stock LIMIT 1; UPDATE stock SET on_hand = on_hand - 1 WHERE ctid = (SELECT ctid FROM stock LIMIT 1)""",
    "a shipment that the ledger lacks": "DELETE FROM ledger WHERE reason = 'ship' AND sku = 'B'",
    "a receipt of nobody": "UPDATE ledger SET reference = 'another' WHERE reason = 'receipt' AND sku = 'B'",
}


@pytest.mark.parametrize("planted", PLANTED)
def test_rows_that_do_not_add_up_pass_for_equal(bench: Start, write_trace: Write, planted: str) -> None:
    here = bench("us")
    trace = write_trace(*ROWS)
    code, shown = here.replay(trace)
    assert code == 0, shown
    with psycopg.connect(here.postgres_url) as connection:
        for statement in PLANTED[planted].split(";"):
            connection.execute(statement.encode())
    code, shown = here.replay(trace, readback_s=1.0)
    assert code == 1, shown
    assert "different" in shown


def test_a_replay_that_is_only_read_back_compares_no_stock(bench: Start, write_trace: Write) -> None:
    here = bench("us")
    trace = write_trace(*ROWS)
    code, shown = here.replay(trace)
    assert code == 0, shown
    with psycopg.connect(here.postgres_url) as connection:
        connection.execute("UPDATE orders SET placed_at = now() - interval '2 days'")
    code, shown = here.replay(trace)
    assert code == 0, shown
    assert "this run sent nothing" in shown
    with psycopg.connect(here.postgres_url) as connection:
        connection.execute("UPDATE stock SET on_hand = on_hand + 1")
    assert here.replay(trace, readback_s=1.0)[0] == 1
