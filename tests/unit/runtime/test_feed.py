"""What gateways hear from a host must be complete, the newest, and bounded."""

import msgspec
import pytest

from actors.domain.rows import OrderRow, StockRow
from actors.runtime import wire
from actors.runtime.feed import Feed
from actors.runtime.limits import Limits
from actors.runtime.memory import CommandMemory, Seen
from actors.runtime.shard import Shard
from actors.runtime.snapshot import Snapshot
from actors.runtime.wire import HostStats, LiveEvent, Reply
from tests.unit.runtime.rig import CODECS, shard

STATS = HostStats("h0", 1, b"", 0, 0.0, 0, 0, 0, 0, 0, 0.0, "ok", "ok")
SHARD = shard(3)


def row(sku: str, on_hand: int) -> StockRow:
    return StockRow("us-wh-1", sku, on_hand, 0, 0)


def rows_of(link):
    assert all(fed.table == "stock" for fed in link.rows)
    return [msgspec.msgpack.decode(fed.row, type=StockRow) for fed in link.rows]


def fill(feed: Feed, listener, *rows) -> None:
    """With all of a snapshot."""
    listener.snapshot = Snapshot(CODECS, {})
    feed.fill(listener, [(SHARD, one) for one in rows])


def started(feed: Feed, *rows, gateway_id: str = "g") -> int:
    """The cursor after the snapshot."""
    listener = feed.listener(gateway_id, -1, False, 0.0)
    fill(feed, listener, *rows)
    return feed.take(listener, STATS).cursor


def test_a_new_gateway_begins_with_everything():
    feed = Feed(Limits())
    listener = feed.listener("g", -1, False, 0.0)
    assert not listener.complete
    fill(feed, listener, row("A", 1), row("B", 2))
    link = feed.take(listener, STATS)
    assert link.reset
    assert [r.sku for r in rows_of(link)] == ["A", "B"]


def test_a_gateway_that_keeps_up_is_not_sent_everything_again():
    feed = Feed(Limits())
    cursor = started(feed, row("A", 1), row("B", 2))
    feed.publish(SHARD, [row("A", 5)])
    listener = feed.listener("g", cursor, False, 1.0)
    link = feed.take(listener, STATS)
    assert not link.reset
    assert rows_of(link) == [row("A", 5)]
    assert link.cursor == cursor + 1


def test_a_row_that_changed_often_between_two_polls_is_sent_once_as_it_is_now():
    feed = Feed(Limits())
    cursor = started(feed)
    for on_hand in range(100):
        feed.publish(SHARD, [row("A", on_hand), row("B", -on_hand)])
    assert rows_of(feed.take(feed.listener("g", cursor, False, 1.0), STATS)) == [row("A", 99), row("B", -99)]


def test_a_lost_downlink_leads_to_a_snapshot_and_not_to_a_gap():
    feed = Feed(Limits())
    cursor = started(feed, row("A", 1))
    feed.publish(SHARD, [row("A", 2)])
    feed.take(feed.listener("g", cursor, False, 1.0), STATS)  # never arrives
    listener = feed.listener("g", cursor, False, 2.0)
    assert not listener.complete
    fill(feed, listener, row("A", 2))
    link = feed.take(listener, STATS)
    assert link.reset
    assert rows_of(link) == [row("A", 2)]
    assert link.cursor > cursor + 1  # the lost one can't be mistaken for this


def test_a_host_that_began_again_is_not_taken_for_the_old_one():
    cursor = started(Feed(Limits()))
    assert not Feed(Limits()).listener("g", cursor, False, 0.0).complete


def test_a_final_answer_survives_the_snapshot_that_follows_a_lost_downlink():
    feed = Feed(Limits())
    cursor = started(feed)
    feed.answer("g", 7, Reply(wire.OK, b"final"))
    listener = feed.listener("g", cursor - 1, False, 1.0)
    fill(feed, listener)
    assert feed.take(listener, STATS).answers == [(7, Reply(wire.OK, b"final"))]


def test_a_final_answer_goes_to_nobody_else_and_only_once():
    feed = Feed(Limits())
    mine, other = started(feed), started(feed, gateway_id="other")
    feed.answer("g", 7, Reply(wire.OK))
    feed.answer("unknown", 8, Reply(wire.OK))
    assert feed.take(feed.listener("other", other, False, 1.0), STATS).answers == []
    link = feed.take(feed.listener("g", mine, False, 1.0), STATS)
    assert len(link.answers) == 1
    assert feed.take(feed.listener("g", link.cursor, False, 1.0), STATS).answers == []


def test_live_events_of_a_slow_gateway_are_bounded_or_it_is_not_told_that_some_are_missing():
    feed = Feed(Limits(feed_live_max=10))
    cursor = started(feed)
    listener = feed.listener("g", cursor, True, 1.0)
    for version in range(10):
        feed.publish_live(LiveEvent("order", "us-1", version, 0, b"[]"))
    assert not listener.reset
    for version in range(10, 100):
        feed.publish_live(LiveEvent("order", "us-1", version, 0, b"[]"))
    link = feed.take(listener, STATS)
    assert [event.version for event in link.live] == list(range(90, 100))
    assert link.reset
    feed.publish_live(LiveEvent("order", "us-1", 100, 0, b"[]"))
    assert not feed.take(feed.listener("g", link.cursor, True, 2.0), STATS).reset


def test_who_has_screens_is_not_told_that_something_could_not_be_told_live_or_everybody_is():
    feed = Feed(Limits())
    looking, other = started(feed), started(feed, gateway_id="other")
    feed.listener("g", looking, True, 1.0)
    feed.missed()
    assert feed.take(feed.listener("g", looking, True, 1.0), STATS).reset
    assert not feed.take(feed.listener("other", other, False, 1.0), STATS).reset


def test_nobody_is_sent_live_events_who_has_no_screens():
    feed = Feed(Limits())
    cursor = started(feed)
    assert not feed.live_wanted
    listener = feed.listener("g", cursor, False, 1.0)
    feed.publish_live(LiveEvent("order", "us-1", 1, 0, b"[]"))
    assert feed.take(listener, STATS).live == []
    assert not listener.wake.is_set()


def test_a_gateway_that_lags_too_far_gets_a_snapshot_instead_of_ever_more_memory():
    feed = Feed(Limits(feed_rows_max=10))
    cursor = started(feed)
    feed.publish(SHARD, [row(str(n), n) for n in range(11)])
    listener = feed.listener("g", cursor, False, 1.0)
    assert not listener.complete
    assert not listener.rows


def test_very_many_rows_make_the_host_stand_still_or_some_of_them_wait_for_ever():
    feed = Feed(Limits(feed_piece_max=2))
    cursor = started(feed)
    feed.publish(SHARD, [row(sku, 1) for sku in "ABCDE"])
    heard = []
    for more in (True, True, False):
        listener = feed.listener("g", cursor, False, 1.0)
        assert feed.is_full(listener) is more
        link = feed.take(listener, STATS)
        assert (len(link.rows) <= 2, link.more, listener.wake.is_set()) == (True, more, more)
        cursor = link.cursor
        heard += rows_of(link)
        # What changes all the time does not hold up what has waited for longer.
        feed.publish(SHARD, [row("A", 2)] if more else [])
    assert [r.sku for r in heard] == ["A", "B", "C", "D", "E", "A"]
    assert heard[-1].on_hand == 2


def test_a_piece_of_a_snapshot_that_lost_its_shard_meanwhile_is_told_or_hides_what_is_newer():
    feed, lost = Feed(Limits()), shard(5)
    listener = feed.listener("g", -1, False, 0.0)
    listener.snapshot = Snapshot(CODECS, {})
    feed.publish(SHARD, [row("A", 2)])
    lost.lost = True
    feed.fill(listener, [(SHARD, row("A", 1)), (SHARD, row("B", 1)), (lost, row("C", 1))])
    assert rows_of(feed.take(listener, STATS)) == [row("A", 2), row("B", 1)]


@pytest.mark.parametrize("epochs", [(1, 1), (1, 2)])
def test_what_waited_from_before_a_shard_was_built_again_hides_what_it_became(epochs):
    feed = Feed(Limits())
    cursor = started(feed)
    before, after = (Shard(3, epoch, 0, CommandMemory(10, Seen(1))) for epoch in epochs)
    feed.publish(before, [row("A", 1), row("B", 1)])
    before.lost = epochs[0] == epochs[1]
    feed.publish(after, [row("A", 3)])
    listener = feed.listener("g", cursor, False, 1.0)
    feed.fill(listener, [(after, row("A", 2)), (after, row("B", 2)), (before, row("A", 0))])
    link = feed.take(listener, STATS)
    assert rows_of(link) == [row("A", 3), row("B", 2)]
    assert {fed.epoch for fed in link.rows} == {epochs[1]}


def test_a_row_does_not_say_whose_it_is_and_under_which_epoch():
    feed = Feed(Limits())
    cursor = started(feed, row("A", 1))
    feed.publish(SHARD, [row("B", 1)])
    link = feed.take(feed.listener("g", cursor, False, 1.0), STATS)
    assert [(fed.shard, fed.epoch, fed.table) for fed in link.rows] == [(SHARD.number, SHARD.epoch, "stock")]


def test_a_gateway_that_is_gone_is_forgotten_and_one_that_calls_is_not():
    limits = Limits(listen_max_s=1.0)
    feed = Feed(limits)
    cursor = started(feed, gateway_id="gone")
    started(feed, gateway_id="here")
    feed.listener("here", 1, False, 7.0)
    feed.prune(7.0)
    assert not feed.listener("gone", cursor, False, 7.0).complete
    assert feed.listener("here", 1, False, 7.0).complete


def test_rows_of_orders_never_go_to_the_indexes_of_availability():
    feed = Feed(Limits())
    cursor = started(feed)
    listener = feed.listener("g", cursor, False, 1.0)
    feed.publish(
        SHARD, [OrderRow("us-1", 1, "placed", "online", "", "", "", "", "US", "USD", 0, 0, 0, 0, 0, None, b"", b"")]
    )
    assert not listener.wake.is_set()
    assert feed.take(listener, STATS).rows == []


def test_a_host_waits_with_its_answer_while_somebody_opens_the_first_screen():
    feed = Feed(Limits())
    cursor = started(feed)
    assert not feed.listener("g", cursor, False, 1.0).wake.is_set()
    listener = feed.listener("g", cursor, True, 1.0)
    assert listener.wake.is_set()
    cursor = feed.take(listener, STATS).cursor
    assert not feed.listener("g", cursor, True, 1.0).wake.is_set()
