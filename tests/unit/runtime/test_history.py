"""The events of one entity, as `GET …/events` tells them: all of them, once, in order, each with its time
and cause, page by page."""

from __future__ import annotations

import msgspec
import pytest

from actors.runtime import history, wire
from actors.runtime.codec import to_msgpack
from actors.runtime.ports import DrainedTurn
from actors.runtime.shard import TailEntry
from actors.runtime.wire import Envelope, Reply, Turn
from tests.fakes.store import MemoryStore, StoreDisk
from tests.unit.runtime.rig import CODECS, called, shard

NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z


def turn(version: int, events: int = 1, entity_id: str = "us-1", kind: str = "counter", who: str = "c") -> Turn:
    """The turn that ends at `version` with so many events, done in the second of that number."""
    happened = msgspec.json.encode([{"type": "Added", "number": version - events + 1 + n} for n in range(events)])
    return Turn(
        kind, entity_id, version, NOON_MS + version * 1000, f"{who}{version}", version, 0, f"req-{who}{version}", happened,
        wire.OK if events else wire.REFUSED, b"{}",
    )  # fmt: skip


# By "us-1", with two events in the second turn and a refusal: versions 1, 2-3, 4, 5-7, 8. Others are beside them.
OURS = [turn(1), turn(3, 2), turn(3, 0, who="refused"), turn(4), turn(7, 3), turn(8)]
OTHERS = [turn(2, 2, "us-2", who="other"), turn(2, 2, kind="order", who="alien"), turn(5, 5, "us-2", who="other")]


def told_by(command: str, first: int, last: int) -> list[tuple[int, str, str, str, int]]:
    """(sequence, time, command id, cause, what happened) of the events of one turn."""
    at = f"2026-01-01T12:00:{last:02}Z"
    return [(n, at, command, f"req-{command}", n) for n in range(first, last + 1)]


EVENTS = told_by("c1", 1, 1) + told_by("c3", 2, 3) + told_by("c4", 4, 4) + told_by("c7", 5, 7) + told_by("c8", 8, 8)


class Told:
    """What is told of "us-1" where the first `drained` of its turns are in the store, and those
    from `kept` on in the tail."""

    def __init__(self, drained: int, kept: int) -> None:
        disk, self.shard = StoreDisk(), shard()
        for position, one in enumerate([*OURS[:drained], *OTHERS], 1):
            disk.history.append(DrainedTurn(0, position, 0, one))
        for position, one in enumerate([*OTHERS, *OURS[kept:]], kept + 1):
            self.shard.tail.append(TailEntry(position, 0, one))
        self.store = MemoryStore(disk, 1)

    async def page(self, after: int, limit: int) -> tuple[list[tuple[int, str, str, str, int]], int | None]:
        """The events past `after`, and where to go on."""
        replies: list[Reply] = []
        asked = Envelope(0, "counter", "us-1", "", 0, to_msgpack((after, limit)), mode=wire.HISTORY)
        await history.answer(self.store, CODECS, self.shard, called(asked, replies))
        [reply] = replies
        assert reply.status == wire.OK
        body = msgspec.json.decode(reply.body)
        assert {event["type"] for event in body["events"]} <= {"Added"}
        told = [(e["sequence"], e["at"], e["command_id"], e["cause"], e["number"]) for e in body["events"]]
        return told, body["next_after"]


# All in the store, all in the tail, some in each, and one turn in both: drained while its tail entry is still there.
PLACES = [(6, 6), (0, 0), (1, 1), (2, 2), (4, 4), (5, 3)]


@pytest.mark.parametrize(("drained", "kept"), PLACES)
async def test_an_event_is_left_out_told_twice_or_with_anothers_time_or_cause(drained, kept):
    assert await Told(drained, kept).page(0, 100) == (EVENTS, None)


@pytest.mark.parametrize("after", range(10))
@pytest.mark.parametrize(("drained", "kept"), PLACES)
async def test_what_is_known_is_told_again_where_a_page_ends_within_a_turn(drained, kept, after):
    assert await Told(drained, kept).page(after, 100) == (EVENTS[after:], None)


@pytest.mark.parametrize("limit", range(1, 9))
@pytest.mark.parametrize(("drained", "kept"), PLACES)
async def test_who_turns_the_pages_misses_an_event_or_never_comes_to_an_end(drained, kept, limit):
    told, after, pages = Told(drained, kept), 0, []
    while after is not None:
        events, after = await told.page(after, limit)
        assert len(events) <= limit
        assert len(pages) <= len(EVENTS) // limit, "an empty page too many"
        pages.append(events)
    assert [event for page in pages for event in page] == EVENTS
