"""Small traces with everything that an importer must survive, and cells that are slow, busy or away."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import psycopg
import pytest

from cells.paths import CellPaths
from tests.integration.replay.conftest import Bench

pytestmark = pytest.mark.real

Start = Callable[..., Bench]
Write = Callable[..., Path]
AWKWARD = (
    "2020-01-01T10:00:00,shop,1,1,online,c1,US,A,Apple,2,100,USD,delivered,,2020-01-01T10:00:20,2020-01-01T10:00:10",
    "2020-01-01T10:00:00,shop,2,1,store,,US,a,small apple,3,0,USD,shipped,,,",
    "2020-01-01T10:00:30,shop,3,1,online,c2,,A,Apple,1,100,USD,processing,ON_HOLD,,",
    "2020-01-01T10:00:31,shop,2,2,store,,US,a,other words,3,0,USD,shipped,,,",  # the order above, a moment later
    "2020-01-01T10:00:32,shop,4,1,online,c3,JP,POST,,1,1500,USD,shipped,,,",
    "2020-01-01T10:00:33,shop,C1,1,online,c1,US,A,Apple,-2,100,USD,cancelled,C-invoice,,",
    "2020-01-01T10:00:34,shop,5,1,online,,,a,,-4,0,USD,lost,negative-quantity,,",
    "2020-01-01T10:00:35,shop,6,1,marketplace,c4,CA,B,Big,74215,104,USD,cancelled,,2020-01-02,",
    "2020-01-01T10:00:36,shop,7,1,online,c5,US,A,Apple,5,100,USD,returned,,,",
    "2020-01-01T10:00:36,shop,7,2,online,c5,US,A,Apple,-1,100,USD,returned,,,",
    "2020-01-01T10:00:36,shop,77,1,online,c5,BR,A,Apple,1,100,USD,shipped,,,",
    "2020-01-01T10:00:37,shop,8,1,online,c6,US,B,Big,2,104,USD,processing,PROCESSING,,",
)
WRONG = (
    "2020-01-01T10:00:40,shop,9,1,online,c6,US,B,Big,two,104,USD,shipped,,,",
    "2020-01-01T10:00:40,shop,8,2,online,c6,US,B,Big,1,104,EUR,processing,PROCESSING,,",
    "2020-01-01T10:00:40,shop,9",
)


def test_awkward_orders_are_lost_or_miscounted(bench: Start, write_trace: Write) -> None:
    here = bench("us")
    code, shown = here.replay(write_trace(*AWKWARD))
    assert code == 0, shown
    by_ref = {order.body["order_ref"]: order for order in here.cell.orders.values()}
    statuses = {reference: order.status for reference, order in by_ref.items()}
    assert statuses == {
        "shop:1": "delivered",
        "shop:2": "shipped",
        "shop:3": "allocated",
        "shop:4": "shipped",
        "shop:6": "cancelled",
        "shop:7": "delivered",
        "shop:77": "shipped",
        "shop:8": "picking",
    }
    assert by_ref["shop:4"].body["ship_to"]["country"] == "US"  # no region serves Japan
    assert by_ref["shop:77"].body["ship_to"]["country"] == "US"  # another region serves Brazil
    assert by_ref["shop:2"].body["customer"] == {"country": "US"}
    booked = [(e[6], e[4], e[3], e[5], e[7]) for e in here.cell.ledger if e[4] in ("return", "write_off")]
    assert sorted(booked) == [
        ("shop:5", "write_off", "a", -4, 0),
        ("shop:7", "return", "A", 1, 100),
        ("shop:C1", "return", "A", 2, 200),
    ]
    assert here.cell.skus == {"A": "Apple", "a": "small apple", "B": "Big", "POST": "POST"}


def test_a_wrong_row_is_taken_or_stops_the_others(bench: Start, write_trace: Write) -> None:
    code, shown = bench("us").replay(write_trace(*AWKWARD, *WRONG))
    assert code == 0, shown
    assert "Rows that could not be taken: 3" in shown
    assert "quantity is not a whole number" in shown
    assert "currency differs from the order's first line" in shown
    assert "3 fields where the header has 16" in shown
    assert all(row in shown for row in ("14", "15", "16"))


def test_the_last_words_claim_rows_that_were_not_taken(bench: Start, write_trace: Write) -> None:
    here = bench("us")
    code, shown = here.replay(write_trace(AWKWARD[0]))
    assert code == 0, shown
    assert "equal: Postgres holds exactly this trace" in shown
    for wrong, words in ((WRONG[:1], "1 row was not"), (WRONG[::2], "2 rows were not")):
        code, shown = here.replay(write_trace(AWKWARD[0], *wrong))
        assert code == 0, shown
        assert f"equal for the rows that were taken; {words}, see above" in shown
        assert "exactly this trace" not in shown


def test_the_last_words_claim_rows_that_stray_quotes_may_have_made_one(bench: Start, write_trace: Write) -> None:
    code, shown = bench("us").replay(write_trace(AWKWARD[0].replace("Apple", '"two\nlines"')))
    assert code == 0, shown
    assert "equal for the rows as they were read; 1 row was read over several lines, see above" in shown


def test_a_busy_cell_is_not_asked_again_or_under_another_key(bench: Start, write_trace: Write) -> None:
    here = bench("us")
    here.cell.put_off = [(503, "0.01"), (429, "0.01"), (503, "")]
    here.cell.put_off_items = 3
    code, shown = here.replay(write_trace(*AWKWARD), concurrency=1)
    assert code == 0, shown
    # With one request at a time, the first key was put off three times and sent again until it was taken.
    assert len(set(here.cell.keys_seen[:4])) == 1
    assert here.cell.keys_seen[4] != here.cell.keys_seen[0]


def test_a_cell_that_forgets_its_keys_is_believed(bench: Start, write_trace: Write) -> None:
    here = bench("us")
    assert here.replay(write_trace(*AWKWARD))[0] == 0
    here.cell.answered.clear()
    code, shown = here.replay(write_trace(*AWKWARD))
    assert code == 1
    assert "different" in shown
    assert len(here.cell.orders) == 16


def test_slow_write_behind_is_read_before_it_has_caught_up(bench: Start, write_trace: Write) -> None:
    code, shown = bench("us", drain_s=1.0).replay(write_trace(*AWKWARD))
    assert code == 0, shown


def test_orders_of_others_are_counted(bench: Start, write_trace: Write) -> None:
    here = bench("us")
    assert here.replay(write_trace(*AWKWARD))[0] == 0
    part = write_trace(*AWKWARD[:2], name="part_us.csv")
    code, shown = here.replay(part)
    assert code == 1  # order 2 has a line more in the cell than in this part, and its key was used for another body
    assert "idempotency.key_reused" in shown
    code, shown = here.replay(write_trace(AWKWARD[0], name="first_us.csv"))
    assert code == 0, shown


def test_trace_time_ends_elsewhere_than_full_speed(bench: Start, write_trace: Write) -> None:
    here = bench("us")
    code, shown = here.replay(write_trace(*AWKWARD), speed=60.0)
    assert code == 0, shown
    # Full speed groups the updates into bodies: other keys, the same outcome.
    code, shown = here.replay(write_trace(*AWKWARD))
    assert code == 0, shown
    assert "already at their last status" in shown
    assert len(here.cell.orders) == 8


@pytest.mark.parametrize(("before", "after"), [(3_600.0, None), (None, 3_600.0)])
@pytest.mark.parametrize(
    ("scarce", "came_to", "stands_at", "ends_at"),
    [
        (None, ["processing,PICKING", "shipped,", "delivered,"], {"picking", "shipped", "delivered"}, {"delivered"}),
        # Of 48 units 22 are there: whoever comes sixth gets a part, and is never more than partly shipped.
        (Fraction(11, 24), ["shipped,", "delivered,"], {"partly_shipped"}, {"backordered", "delivered", "partly_shipped"}),
    ],
)  # fmt: skip
def test_a_run_that_was_interrupted_among_an_order_s_steps_stays_there(
    bench: Start, write_trace: Write, scarce: Fraction | None, came_to: list[str],
    stands_at: set[str], ends_at: set[str], before: float | None, after: float | None,
) -> None:  # fmt: skip
    """The next one sends other bodies, and the first steps of each order are done already."""
    here, row = bench("us"), "2020-01-01T10:00:00,shop,{},1,online,c1,US,A,Apple,4,100,USD,{},,"
    first = write_trace(*(row.format(at, came_to[at % len(came_to)]) for at in range(12)))
    assert here.replay(first, scarce=scarce, speed=before)[0] == 0
    assert stands_at <= {order.status for order in here.cell.orders.values()}
    whole = write_trace(*(row.format(at, "delivered,") for at in range(12)))
    code, shown = here.replay(whole, scarce=scarce, speed=after)
    assert code == 0, shown
    assert {order.status for order in here.cell.orders.values()} == ends_at


def test_a_step_that_is_refused_goes_unnoticed(bench: Start, write_trace: Write) -> None:
    here = bench("us")
    assert here.replay(write_trace(AWKWARD[-1]))[0] == 0
    (order,) = here.cell.orders.values()
    order.cancelled = True
    changed = write_trace(AWKWARD[-1].replace("processing,PROCESSING", "shipped,"))
    code, shown = here.replay(changed)
    assert code == 1
    assert "order.illegal_transition" in shown


def test_forgotten_keys_place_orders_twice(bench: Start, write_trace: Write) -> None:
    here = bench("us")
    trace = write_trace(*AWKWARD)
    code, shown = here.replay(trace)
    assert code == 0, shown
    with psycopg.connect(here.postgres_url) as connection:
        connection.execute("UPDATE orders SET placed_at = now() - interval '2 days'")
    here.cell.answered.clear()
    code, shown = here.replay(trace)
    assert code == 0, shown
    assert "only read back" in shown
    assert len(here.cell.orders) == 8
    longer = write_trace(*AWKWARD, AWKWARD[-1].replace("shop,8", "shop,88"), name="longer_us.csv")
    code, shown = here.replay(longer)
    assert code == 2
    assert "could place them twice" in shown


def test_forgotten_keys_receive_the_stock_twice_after_a_run_of_which_nothing_else_is_there(
    bench: Start, write_trace: Write
) -> None:
    here = bench("us")
    trace = write_trace(*AWKWARD)
    assert here.replay(trace)[0] == 0
    with psycopg.connect(here.postgres_url) as connection:
        connection.execute("DELETE FROM orders; DELETE FROM ledger WHERE reason <> 'receipt'")
        connection.execute("UPDATE ledger SET at = now() - interval '25 hours'")
    here.cell.answered.clear()
    here.cell.keys_seen.clear()
    code, shown = here.replay(trace)
    assert code == 2, shown
    assert "stock was received up to 25 h ago" in " ".join(shown.split())
    assert "could receive it twice" in " ".join(shown.split())
    assert here.cell.keys_seen == []
    # Other receipts than those.
    here.cell.put_off = [(400, "")]
    assert "KeysForgotten" not in here.replay(trace, scarce=Fraction(1, 2))[1]
    assert here.cell.keys_seen != []


def test_orders_that_were_never_led_to_their_end_are_told_as_sent(bench: Start, write_trace: Write) -> None:
    here = bench("us")
    assert here.replay(write_trace(AWKWARD[-1]))[0] == 0
    with psycopg.connect(here.postgres_url) as connection:
        connection.execute("UPDATE orders SET placed_at = now() - interval '2 days'")
    code, shown = here.replay(write_trace(AWKWARD[-1].replace("processing,PROCESSING", "shipped,")), readback_s=1.0)
    assert code == 1, shown
    words = " ".join(shown.split())
    assert "All orders of this trace are there, from up to 48 h ago" in words
    assert "What an earlier run left undone is not made up for, and shows as different" in words


def test_a_cell_that_is_away_ends_in_a_traceback(bench: Start, write_trace: Write) -> None:
    here = bench("us")
    code, shown = here.replay(write_trace(*AWKWARD), base="http://127.0.0.1:1", patience_s=0.3)
    assert code == 2
    assert "CellUnreachable" in shown
    assert "Run the same command again" in shown


def test_a_cell_that_goes_away_on_the_way_ends_in_a_traceback(bench: Start, write_trace: Write) -> None:
    here = bench("us")
    trace = write_trace(*AWKWARD)
    assert here.replay(write_trace(AWKWARD[0], name="one_us.csv"))[0] == 0
    here.cell.put_off = [(503, "30")] * 50
    code, shown = here.replay(trace, patience_s=0.5)
    assert code == 2
    assert "503" in shown
    here.cell.put_off = []
    code, shown = here.replay(trace)
    assert code == 0, shown


def test_a_damaged_key_file_or_ca_ends_in_a_traceback(
    bench: Start, write_trace: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, trace = bench("us"), write_trace(*AWKWARD)
    monkeypatch.setattr("perf.https._context", None)
    monkeypatch.setenv("OCEFS_TLS_CA", str(trace))
    code, shown = here.replay(trace, base="https://127.0.0.1:1")
    assert code == 2
    assert "CertificateRefused" in shown
    assert "Next: give a PEM file" in shown
    keyring = CellPaths("us", here.home).keyring
    keyring.parent.mkdir(mode=0o700, parents=True)
    keyring.touch(mode=0o600)
    code, shown = here.replay(trace)
    assert code == 2
    assert f"KeyringError: {keyring} is damaged" in " ".join(shown.split())
    assert "Next: restore it from a backup" in shown
    assert here.cell.keys_seen == []


def test_no_postgres_is_noticed_only_after_everything_was_sent(bench: Start, write_trace: Write) -> None:
    here = bench("us")
    here.postgres_url = ""
    code, shown = here.replay(write_trace(*AWKWARD))
    assert code == 2
    assert "OCEFS_US_POSTGRES_URL" in shown
    here.postgres_url = "postgresql://nobody@127.0.0.1:1/none"
    assert here.replay(write_trace(*AWKWARD))[0] == 2
    assert here.cell.keys_seen == []
