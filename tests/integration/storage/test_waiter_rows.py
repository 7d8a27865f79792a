"""What the store keeps of a location's line: of the fake and of PostgreSQL, which must tell the same."""

from __future__ import annotations

from actors.domain.location import LOCATION
from actors.domain.location_line import line_changed
from actors.domain.location_line_events import DatesDue, DatesLooked, LineChanged, LineDue, Turn, Waiter
from actors.domain.rows import LocationRow
from actors.domain.rows_of_waiting import due_row, line_of, note_row, waiter_row
from actors.runtime.ports import Store
from tests.integration.storage.samples import NOW_MS, batch, drained, turn

PLACE = LocationRow("us-wh", 1, "warehouse", "Seattle", "Seattle", "US", 47.6, -122.3, "America/Los_Angeles")


async def test_a_line_is_lost_or_who_has_left_stays_in_it(store: Store):
    waiters = [
        Waiter("us-1", NOW_MS, 10_002, {"a": 2}, [(10_001, [("a", 1)])], "online", {"a": 30}, {"a": NOW_MS + 5}),
        Waiter(
            "us-2", NOW_MS + 1, 10_001, {"a": 2**33, "b": 1}, whole=True, turn=Turn("a", None, 2), expected_ms=NOW_MS
        ),
    ]
    line = None
    for waiter in waiters:
        line = line_changed(line, LineChanged(waiter))
    line = line_changed(line, LineDue(NOW_MS + 9))
    line = line_changed(line, DatesDue(["b"], NOW_MS + 9))
    line = line_changed(line, DatesLooked("b", (NOW_MS, NOW_MS, "us-1")))
    assert line.given == {"a": 0, "b": 0}
    rows = [*(waiter_row("us-wh", waiter.order_id, line) for waiter in waiters), due_row("us-wh", NOW_MS + 9)]
    rows += [note_row("us-wh", sku, line) for sku in ("a", "b")]
    await store.lease("host-0", [1], 1)
    await store.drain(batch({1: (1, 1)}, drained(1, 1, turn(1)), {"locations": [PLACE], "waiters": rows}))
    assert line_of((await store.load(LOCATION, ["us-wh"]))["us-wh"].rows["waiters"]) == line
    gone = [waiter_row("us-wh", "us-1", None), due_row("us-wh", None)]
    await store.drain(batch({1: (1, 2)}, drained(1, 2, turn(2)), {"waiters": gone}))
    left = line_of((await store.load(LOCATION, ["us-wh"]))["us-wh"].rows["waiters"])
    assert (list(left.waiters.values()), left.due_ms) == (waiters[1:], None)
