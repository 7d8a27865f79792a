"""Nothing of a shard that was lost may get out; everything of the others must."""

import pytest

from actors.domain.breach import RecordBreach, WatchClock
from actors.domain.breach_state import Extent
from actors.domain.catalogue import DefineSkus
from actors.domain.times import HOUR_MS
from actors.runtime import wire
from actors.runtime.feed import Feed
from actors.runtime.limits import Limits
from actors.runtime.mailbox import Group
from actors.runtime.outbox import Outbox
from actors.runtime.publish import Publisher
from actors.runtime.snapshot import Snapshot
from actors.runtime.timers import Timers
from actors.runtime.turns import TurnTaker
from tests.unit.runtime import counter
from tests.unit.runtime.rig import CODECS, StoppedClock, called, envelope, query, shard


class Stage:
    """A shard whose group holds everything that can leave: a change, a message, a timer, a final
    answer, a read, fed rows."""

    def __init__(self) -> None:
        self.sent: list[wire.Envelope] = []
        self.feed, self.timers = Feed(Limits()), Timers()
        self.outbox = Outbox(
            CODECS, StoppedClock(), Limits(), lambda e, done: self.sent.append(e), lambda e, done: None
        )
        self.publisher = Publisher(CODECS, self.feed, self.outbox, self.timers)
        self.listener = self.feed.listener("g", -1, True, 0.0)
        self.listener.snapshot = Snapshot(CODECS, {})
        self.listener.wake.clear()
        self.taker = TurnTaker(CODECS)
        self.replies: dict[str, list[wire.Reply]] = {"a": [], "b": []}
        self.group = Group()
        self.shards = {"a": shard(0), "b": shard(1)}
        for name, one in self.shards.items():
            for command_id, command in enumerate(
                (counter.Add(1), counter.Tell("us-other", 5), counter.WakeAt(100), counter.Finish("begun"))
            ):
                self.take(name, one, envelope(f"us-{name}", command, str(command_id), creates=True))
            self.take(name, one, query(f"us-{name}"))
            skus = envelope(f"us-{name}", DefineSkus([(name, "")]), "s", kind="catalogue", creates=True)
            self.take(name, one, skus)
            waiter = envelope(f"us-{name}", counter.Begin(), "begun", wait=True, ticket=ord(name))
            one.waiters[f"us-{name}", "begun"] = [called(waiter, [])]

    def take(self, name, one, envelope_) -> None:
        self.taker.take(one, called(envelope_, self.replies[name]), self.group, 0, 0.0)

    def out(self) -> dict[str, object]:
        """What has got out of shard b."""
        return {
            "replies": [r.status for r in self.replies["b"] if r.status != wire.UNAVAILABLE],
            "messages": [e for e in self.sent if e.command_id.startswith("us-b/")],
            "timers": [key for _, _, key in self.timers.due(10**15, 100) if key[1] == "us-b"],
            "rows": [row for _, row in self.listener.rows.values() if row.catalogue_id == "us-b"],
            "live": [event for event in self.listener.live if event.entity_id == "us-b"],
            "answers": [ticket for ticket, _ in self.listener.answers if ticket == ord("b")],
            "tail": list(self.shards["b"].tail),
        }


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_nothing_gets_out_before_the_append_is_known(stage):
    assert not any(stage.out().values())
    assert stage.replies == {"a": [], "b": []}


def test_nothing_of_a_lost_shard_gets_out_and_its_callers_are_told_to_try_again(stage):
    stage.shards["b"].lost = True
    stage.publisher.durable(stage.group)
    assert not any(stage.out().values())
    assert [reply.status for reply in stage.replies["b"]] == [wire.UNAVAILABLE] * 6
    assert [reply.status for reply in stage.replies["a"]] == [wire.OK] * 6


def test_screens_do_not_hear_that_turns_are_missing_that_may_be_durable(stage):
    stage.listener.reset = False
    stage.shards["b"].lost = True
    stage.publisher.durable(stage.group)
    assert stage.listener.reset
    assert stage.listener.wake.is_set()


def test_a_lost_shard_does_not_keep_back_what_others_have_done(stage):
    stage.shards["a"].lost = True
    stage.publisher.durable(stage.group)
    out = stage.out()
    assert out["replies"] == [wire.OK] * 6
    assert [message.command_id for message in out["messages"]] == ["us-b/2.0"]
    assert out["timers"] == [("counter", "us-b")]
    assert len(out["rows"]) == 1
    assert len(out["live"]) == 5
    assert out["answers"] == [ord("b")]
    assert [(entry.position, entry.line) for entry in out["tail"]] == [(1, line) for line in range(5)]
    assert stage.shards["b"].durable == 1


def test_a_read_of_what_was_only_just_decided_does_not_overtake_its_append(stage):
    stage.shards["b"].lost = True
    stage.publisher.durable(stage.group)
    assert b"total" not in b"".join(reply.body for reply in stage.replies["b"])


@pytest.mark.parametrize("lost", [False, True])
def test_operators_are_warned_of_what_is_not_durable_or_not_warned_of_what_is(stage, caplog, lost):
    discovered_ms, group, one = 1_767_225_600_000, Group(), shard(2)
    extent = Extent(["loss"], ["name"], ["customers"], 3, 3)
    record, watch = RecordBreach("gdpr", discovered_ms, extent, b"sealed"), WatchClock()
    for hours, command in ((0, record), (49, watch), (73, watch)):
        item = called(envelope("us-breach-1", command, f"c{hours}", kind="breach", creates=True), [])
        stage.taker.take(one, item, group, discovered_ms + hours * HOUR_MS, 0.0)
    assert not caplog.records
    one.lost = lost
    stage.publisher.durable(group)
    said = [(record.getMessage(), record.levelname, record.entity_id) for record in caplog.records]
    warned = [("breach.reminder", "WARNING", "us-breach-1"), ("breach.overdue", "WARNING", "us-breach-1")]
    assert said == ([] if lost else warned)
