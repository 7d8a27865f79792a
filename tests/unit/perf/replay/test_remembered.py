"""A trace is sent again when the cell has forgotten its keys, and done twice; or it is refused though it is safe."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from perf.replay.orders import read_orders
from perf.replay.placing import Placer
from perf.replay.plan import plan_order
from perf.replay.readback import Present
from perf.replay.remembered import (
    KEYS_REMEMBERED_S,
    KeysForgotten,
    SentBefore,
    check_speed,
    remembers_orders,
    sends_receipts,
)
from perf.replay.run import _is_to_be_sent
from perf.replay.survey import Survey, survey
from perf.replay.tally import Tally
from tests.unit.perf.replay.traces import csv_of, row

HOUR_S = 3600


def present(*ages_s: float) -> Present:
    """The first orders of the trace, that came so long ago."""
    return Present({f"shop:{n}": age_s for n, age_s in enumerate(ages_s)})


@pytest.fixture
def found(tmp_path: Path) -> Survey:
    """Three orders in 40 hours, the last of which is not the last in the file."""
    path = tmp_path / "us.csv"
    times = ("2020-01-01T10:00:00", "2020-01-03T02:00:00", "2020-01-02T10:00:00")
    path.write_text(csv_of(*(row(order_ref=n, ordered_at=at) for n, at in enumerate(times))))
    return survey(path)


def test_orders_are_placed_twice_or_are_sent_again_though_all_are_there(found: Survey) -> None:
    console = Console(file=io.StringIO(), width=300)
    old, young = KEYS_REMEMBERED_S, KEYS_REMEMBERED_S - 1
    for there in (present(), present(young, 0), present(young, 1, 2)):
        assert _is_to_be_sent(there, found, None, console)
    with pytest.raises(KeysForgotten, match=r"2 of the trace's 3 orders were placed up to 23 h ago.*place them twice"):
        _is_to_be_sent(present(old, 0), found, None, console)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""
    assert not _is_to_be_sent(present(old, 0, 0), found, None, console)
    assert "All orders of this trace are there, from up to 23 h ago" in console.file.getvalue()
    assert remembers_orders(0, 3, 0)


def test_orders_in_trace_time_come_so_late_that_they_are_placed_twice(found: Survey) -> None:
    console = Console(quiet=True)
    assert dict(found.due_s()) == {"shop:0": 0, "shop:1": 40 * HOUR_S, "shop:2": 40 * HOUR_S}
    all_there = present(3 * HOUR_S, 3 * HOUR_S, 2 * HOUR_S)
    with pytest.raises(KeysForgotten) as raised:
        _is_to_be_sent(all_there, found, 2.0, console)
    assert str(raised.value) == (
        "3 of the trace's orders are there, and at --speed 2 1 of them would be sent again when the cell may have forgotten their keys. That could place them twice. Run it without --speed, or"
        " with --speed 3."
    )
    for speed in (3.0, 2.01, None):
        assert _is_to_be_sent(all_there, found, speed, console)
    # None is there, so the cell has no key to forget but those that this run sends.
    assert _is_to_be_sent(present(), found, 0.1, console)
    # All are there and are not sent.
    assert not _is_to_be_sent(present(30 * HOUR_S, 0, 0), found, 0.1, console)


def test_a_run_that_was_interrupted_is_refused_at_the_speed_it_had(found: Survey) -> None:
    """What it sent is sent again each as much later as the run began later."""
    begun_s = 22 * HOUR_S
    at = dict(found.due_s())
    there = Present({reference: begun_s - at[reference] / 2 for reference in ("shop:0", "shop:1")})
    check_speed(found, there.ages_s, 2.0)
    with pytest.raises(KeysForgotten):
        check_speed(found, there.ages_s, 1.9)


def test_the_speed_that_is_named_is_too_low(found: Survey) -> None:
    for age_s in (0, 60, 10 * HOUR_S, KEYS_REMEMBERED_S - 1):
        ages_s = present(age_s, age_s).ages_s
        with pytest.raises(KeysForgotten) as raised:
            check_speed(found, ages_s, 0.001)
        check_speed(found, ages_s, float(str(raised.value).rpartition(" ")[2].rstrip(".")))


async def test_an_order_that_had_to_wait_is_sent_when_its_key_is_forgotten(found: Survey) -> None:
    """As the trace's clock waits while many orders are on their way: nobody can tell before."""
    now_s = [5_000.0]
    sent = SentBefore({"shop:0": 2.0}, lambda: now_s[0])
    # Neither has anybody to ask: a request would be a fault.
    placer = Placer(None, None, Tally(), sent, "US", "us-wh", scarce=False)  # type: ignore[arg-type]
    first, other, _ = (plan_order(order) for order in read_orders(found.path, found.entries))
    now_s[0] += KEYS_REMEMBERED_S - 3
    sent.check(first.reference)
    now_s[0] += 1
    for act in (placer.place, placer.adjust):
        with pytest.raises(KeysForgotten, match=r"shop:0 was placed 23 h ago, by an earlier run"):
            await act(first)
    with pytest.raises(AttributeError):
        await placer.place(other)


def test_stock_is_received_twice_or_a_trace_is_refused_that_needs_none() -> None:
    for age_s in (0, KEYS_REMEMBERED_S - 1):
        assert sends_receipts(age_s, all_there=False)
    with pytest.raises(KeysForgotten, match=r"received up to 23 h ago.*receive it twice"):
        sends_receipts(KEYS_REMEMBERED_S, all_there=False)
    assert not sends_receipts(KEYS_REMEMBERED_S, all_there=True)


def test_orders_that_nobody_waits_for_set_the_speed(tmp_path: Path) -> None:
    """What a trace says of later steps, of orders that are cancelled or just given back, keeps none
    from being sent in time."""
    path = tmp_path / "us.csv"
    odd = (
        {"final_status": "cancelled", "delivered_at": "2099-01-01T00:00:00"},
        {"quantity": -1, "shipped_at": "2099-01-01T00:00:00"},
    )
    path.write_text(csv_of(*(row(order_ref=n, **more) for n, more in enumerate(odd))))
    found = survey(path)
    assert not found.rejected
    check_speed(found, present(HOUR_S, HOUR_S).ages_s, 0.001)


def test_a_trace_of_one_moment_has_no_span(tmp_path: Path) -> None:
    path = tmp_path / "us.csv"
    path.write_text(csv_of(row()))
    check_speed(survey(path), present(0).ages_s, 0.001)
