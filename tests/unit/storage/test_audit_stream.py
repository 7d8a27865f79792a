"""In which order a long backlog of the audit is given to the monitor. Against PostgreSQL:
`tests/integration/storage/test_alerts.py`."""

from __future__ import annotations

import pytest

from actors.anomalies.record import Record
from actors.runtime.alerts import Position
from actors.storage.audit_stream import in_order

LIMIT = 5
LOOKS_MAX = 100


def shard(number: int, *times: int) -> list[Record]:
    return [Record(number, line, at_ms, "us-acct-tom", "support", "order.read") for line, at_ms in enumerate(times, 1)]


def caught_up(audit: list[list[Record]]) -> tuple[list[Record], dict[int, Position]]:
    """Reads as the stream does, the next LIMIT lines of each shard, until there is no more; how far each is read."""
    ends = {lines[0].shard: Position(lines[-1].number, lines[-1].at_ms) for lines in audit}
    cursor: dict[int, Position] = {}
    seen: list[Record] = []
    for _ in range(LOOKS_MAX):
        read_to = {number: cursor.get(number, Position(0, 0)).number for number in ends}
        found = [one for lines in audit for one in [one for one in lines if one.number > read_to[one.shard]][:LIMIT]]
        behind = {number: end for number, end in ends.items() if end.number > read_to[number]}
        records, further, more = in_order(found, behind, LIMIT)
        seen += records
        cursor |= further
        if not more:
            return seen, cursor
    raise AssertionError("it does not come to an end")


@pytest.mark.parametrize(
    "audit",
    [
        pytest.param([shard(1, *range(100, 140)), shard(2, 105, 139, 150)], id="a long shard and a short one"),
        pytest.param([shard(1, *range(100, 140)), shard(2, *range(50, 200, 3)), shard(3, 500)], id="two long ones"),
        pytest.param([shard(1, *range(100, 120)), shard(2, *range(300, 320))], id="one after the other"),
        pytest.param([shard(1, *[100] * 23), shard(2, *[100] * 9, 101), shard(3, 99, 100)], id="all at one time"),
        pytest.param([shard(1, *range(100, 100 + LIMIT)), shard(2, 102, 104, 105)], id="as many as the limit"),
    ],
)
def test_after_an_outage_the_evening_is_judged_before_the_morning_or_lines_are_lost_or_judged_twice(audit):
    seen, cursor = caught_up(audit)
    times = [record.at_ms for record in seen]
    assert times == sorted(times)
    assert sorted(record.reference for record in seen) == [record.reference for lines in audit for record in lines]
    assert cursor == {lines[0].shard: Position(lines[-1].number, lines[-1].at_ms) for lines in audit}


def test_a_shard_whose_lines_are_held_back_is_taken_for_read():
    long, short, later = shard(1, *range(100, 100 + LIMIT)), shard(2, 101, 200), shard(3, 300)
    ends = {1: Position(90, 900), 2: Position(2, 200), 3: Position(7, 300), 4: Position(16, 50)}
    records, cursor, more = in_order([*long, *short, *later], ends, LIMIT)
    assert more
    assert (200 in {one.at_ms for one in records}, 300 in {one.at_ms for one in records}) == (False, False)
    # Of the fourth nothing is watched: it is read to its end.
    assert cursor == {1: Position(LIMIT, 100 + LIMIT - 1), 2: Position(1, 101), 4: Position(16, 50)}
