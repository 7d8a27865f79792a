"""A message must arrive however often it fails, be done once, and never vanish unseen."""

import pytest

from actors.domain.times import DAY_MS, HOUR_MS
from actors.runtime import wire
from actors.runtime.codec import refusal, to_json
from actors.runtime.limits import Limits
from actors.runtime.outbox import Outbox
from actors.runtime.ports import OutboxEntry
from actors.runtime.wire import Reply
from tests.unit.runtime import counter
from tests.unit.runtime.rig import CODECS, StoppedClock

OK = Reply(wire.OK, b'{"total":1,"version":1}')
REFUSED = Reply(wire.REFUSED, refusal("counter.negative", ""))
AWAY = Reply(wire.UNAVAILABLE, refusal(wire.CODE_UNAVAILABLE, ""))
SENDER = ("counter", "us-1")


class Post:
    """An outbox whose messages go nowhere: the test answers them."""

    def __init__(self, **limits) -> None:
        self.clock = StoppedClock()
        self.sent: list = []
        self.told: list = []
        self.box = Outbox(
            CODECS, self.clock, Limits(**limits), lambda e, done: self.sent.append((e, done)),
            lambda e, done: self.told.append((e, done)),
        )  # fmt: skip

    def add(self, *, ask: bool = False, version: int = 1, position: int = 1, shard: int = 0) -> None:
        self.box.add(shard, position, SENDER, version, 0, [counter.Telling("us-2", 5, ask)])

    def answer(self, reply: Reply) -> None:
        self.sent.pop(0)[1](reply)

    def wait(self, ms: int) -> int:
        """How many messages are sent again within `ms`."""
        before = len(self.sent)
        self.clock.ms += ms
        self.box.tick()
        return len(self.sent) - before

    def drain(self, marks=None):
        """One that commits."""
        put, remove = self.box.unstored({0: 10} if marks is None else marks)
        self.box.stored(put, remove)
        return [entry.message_id for entry in put], remove


@pytest.fixture
def post() -> Post:
    return Post(outbox_retry_max=3, outbox_retry_first_ms=100, outbox_retry_interval_max_ms=500)


def test_a_message_sent_again_carries_the_same_command_id_so_that_it_is_done_once(post):
    post.add(version=7)
    first = post.sent[0][0]
    post.answer(AWAY)
    post.wait(10_000)
    again = post.sent[0][0]
    assert first == again
    assert first.command_id == "us-1/7.0"
    assert first.digest == again.digest


def test_what_is_tried_again_after_days_has_the_history_asked_whether_it_was_done(post):
    post.box.add(0, 1, SENDER, 1, post.clock.ms, [counter.Telling("us-2", 5, True)])
    assert post.sent[0][0].since_ms == 0
    sent_ms = post.clock.ms
    post.answer(OK)
    post.told.pop()[1](Reply(wire.FAULT, refusal(wire.CODE_FAULT, "")))
    post.clock.ms += 2 * DAY_MS
    post.box.retry_parked()
    # Its receiver's clock may have been behind.
    since_ms = sent_ms - HOUR_MS
    assert post.sent[0][0].since_ms == since_ms
    post.answer(OK)
    assert post.told[0][0].since_ms == since_ms


def test_two_events_of_one_turn_do_not_share_a_message_id(post):
    post.box.add(
        0, 1, SENDER, 9, 0, [counter.Telling("us-2", 1, False), counter.Added(1), counter.Telling("us-3", 1, False)]
    )
    assert [envelope.command_id for envelope, _ in post.sent] == ["us-1/7.0", "us-1/9.0"]


def test_a_message_of_the_tail_that_was_stored_too_is_sent_once(post):
    post.add()
    post.add()
    assert len(post.sent) == 1


def test_retries_back_off_and_do_not_hammer_a_cell_in_trouble(post):
    post.add()
    post.answer(AWAY)
    assert post.wait(90) == 0
    assert post.wait(20) == 1
    post.answer(AWAY)
    assert post.wait(180) == 0
    assert post.wait(30) == 1


def test_the_pause_never_exceeds_its_maximum():
    post = Post(outbox_retry_max=100, outbox_retry_first_ms=100, outbox_retry_interval_max_ms=500)
    post.add()
    for _ in range(50):
        post.answer(AWAY)
        assert post.wait(510) == 1


def test_a_message_that_fails_for_long_is_seen_and_arrives_all_the_same_when_its_receiver_is_back(post):
    post.add()
    for _ in range(25):
        post.answer(AWAY)
        assert post.wait(510) == 1
    assert post.box.counts() == (1, 1)
    post.answer(OK)
    assert post.box.counts() == (0, 0)


def test_the_next_owner_of_a_message_that_failed_for_long_tries_it_without_being_told(post):
    post.add()
    for _ in range(3):
        post.answer(AWAY)
        post.wait(510)
    [entry] = post.box.parked()
    assert entry.parked
    heir = Post()
    heir.box.restore(entry)
    heir.answer(OK)
    assert heir.box.counts() == (0, 0)


def test_an_operator_s_retry_of_a_message_that_is_tried_anyway_does_not_double_it(post):
    post.add()
    for _ in range(3):
        post.answer(AWAY)
        post.wait(510)
    post.answer(AWAY)
    assert post.box.retry_parked() == 1
    assert len(post.sent) == 1
    assert post.wait(10_000) == 0
    post.answer(AWAY)
    assert post.wait(10_000) == 1


def test_a_refused_message_that_an_operator_tries_again_is_not_answered_with_the_refusal_that_is_remembered(post):
    post.add()
    post.answer(REFUSED)
    post.box.retry_parked()
    assert post.sent[0][0].command_id == "us-1/1.0~1"
    post.answer(AWAY)  # whether it was done is not known: by the same name
    post.wait(10_000)
    assert post.sent[0][0].command_id == "us-1/1.0~1"


def test_what_is_on_its_way_is_sent_under_another_name_with_what_an_operator_tries_again(post):
    post.add(ask=False)
    post.answer(REFUSED)
    post.add(version=2, position=2)
    assert post.box.retry_parked() == 1
    assert [envelope.command_id for envelope, _ in post.sent] == ["us-1/2.0", "us-1/1.0~1"]


@pytest.mark.parametrize("status", [wire.FAULT, wire.KEY_REUSED])
def test_a_message_of_which_nobody_knows_whether_it_was_done_keeps_its_name(post, status):
    post.add()
    post.answer(Reply(status, refusal(wire.CODE_FAULT if status == wire.FAULT else wire.CODE_KEY_REUSED, "")))
    post.box.retry_parked()
    assert post.sent[0][0].command_id == "us-1/1.0"


def test_a_message_that_fails_for_ever_is_parked_and_seen(post):
    post.add()
    for _ in range(3):
        post.answer(AWAY)
        post.wait(10_000)
    assert post.box.counts() == (1, 1)
    [entry] = post.box.parked()
    assert (entry.message_id, entry.error, entry.attempts) == ("us-1/1.0", wire.CODE_UNAVAILABLE, 3)


@pytest.mark.parametrize("status", [wire.FAULT, wire.KEY_REUSED])
def test_a_message_that_can_never_succeed_is_not_tried_again(post, status):
    post.add()
    post.answer(Reply(status, refusal("cell.fault", "")))
    assert post.wait(1_000_000) == 0
    assert post.box.counts() == (1, 1)


def test_a_refusal_that_nobody_asked_for_is_not_swallowed(post):
    post.add(ask=False)
    post.answer(REFUSED)
    assert [entry.error for entry in post.box.parked()] == ["counter.negative"]


def test_the_sender_learns_of_a_refusal_that_it_asked_for(post):
    post.add(ask=True)
    post.answer(REFUSED)
    [(told, done)] = post.told
    assert (told.entity_id, told.command_id) == ("us-1", "us-1/1.0:reply")
    assert CODECS["counter"].command(told.body) == counter.Told(refused=True)
    done(OK)
    assert post.box.counts() == (0, 0)


def test_a_message_is_not_acknowledged_before_its_sender_knows_the_outcome_durably(post):
    post.add(ask=True)
    post.answer(OK)
    assert post.box.counts() == (1, 0)
    post.told.pop()[1](AWAY)
    assert post.box.counts() == (1, 0)
    assert post.wait(110) == 1  # asked again, the receiver answers from memory
    post.answer(OK)
    post.told.pop()[1](OK)
    assert post.box.counts() == (0, 0)


def test_a_crash_of_the_sender_s_code_parks_the_message_and_harms_nobody_else(post, monkeypatch):
    post.add(ask=True)

    def crash(message, reply, refused):
        raise ZeroDivisionError

    monkeypatch.setattr(post.box, "_codecs", {"counter": type("C", (), {"kind": type("K", (), {"on_reply": crash})})})
    post.answer(OK)
    assert [entry.error for entry in post.box.parked()] == [wire.CODE_FAULT]


def test_a_message_acknowledged_before_the_drain_never_reaches_the_store(post):
    post.add()
    post.answer(OK)
    assert post.drain() == ([], [])


def test_a_message_of_a_turn_that_is_not_drained_yet_is_not_stored_before_it(post):
    post.add(position=5)
    assert post.drain({0: 4}) == ([], [])
    assert post.drain({0: 5}) == (["us-1/1.0"], [])
    assert post.drain({0: 9}) == ([], [])


def test_a_message_acknowledged_while_the_drain_was_under_way_does_not_stay_in_the_store(post):
    post.add()
    put, remove = post.box.unstored({0: 1})
    post.answer(OK)
    post.box.stored(put, remove)
    assert post.drain() == ([], ["us-1/1.0"])
    assert post.drain() == ([], [])


def test_a_message_of_a_shard_lost_while_the_drain_was_under_way_stays_in_the_store_for_its_next_owner(post):
    post.add()
    put, remove = post.box.unstored({0: 1})
    post.box.drop(0)
    post.box.stored(put, remove)
    assert post.drain() == ([], [])


def test_the_same_when_the_shard_is_back_already(post):
    post.add()
    put, remove = post.box.unstored({0: 1})
    post.box.drop(0)
    post.add(version=2, position=2)
    post.box.stored(put, remove)
    assert post.drain() == (["us-1/2.0"], [])


def test_a_message_that_was_stored_is_removed_when_it_is_acknowledged(post):
    post.add()
    post.drain()
    post.answer(OK)
    assert post.drain() == ([], ["us-1/1.0"])


def test_a_message_parked_after_it_was_stored_is_known_as_parked_after_a_failover(post):
    post.add(ask=False)
    post.drain()
    post.answer(REFUSED)
    put, _ = post.box.unstored({})
    assert [(entry.message_id, entry.parked) for entry in put] == [("us-1/1.0", True)]
    post.box.stored(put, [])
    assert post.drain({}) == ([], [])


def test_a_message_parked_while_the_drain_was_under_way_is_not_known_as_parked_after_a_failover(post):
    post.add()
    put, _ = post.box.unstored({0: 1})
    post.answer(REFUSED)
    post.box.stored(put, [])
    assert [(entry.message_id, entry.parked) for entry in post.box.unstored({})[0]] == [("us-1/1.0", True)]


def test_a_drain_in_doubt_is_put_again_and_not_taken_for_done(post):
    post.add()
    put, _ = post.box.unstored({0: 1})
    post.box.in_doubt(put)
    assert post.drain({}) == (["us-1/1.0"], [])


def test_a_message_acknowledged_during_a_drain_in_doubt_leaves_no_row_behind(post):
    post.add()
    put, _ = post.box.unstored({0: 1})
    post.answer(OK)
    post.box.in_doubt(put)
    assert post.drain() == ([], ["us-1/1.0"])


def test_a_message_of_the_tail_that_the_store_has_too_leaves_its_row_there_for_ever(post):
    post.add()
    [entry], _ = post.box.unstored({0: 1})
    post.box.restore(entry)
    assert len(post.sent) == 1
    post.answer(OK)
    assert post.drain() == ([], ["us-1/1.0"])


def test_what_an_earlier_owner_had_stored_is_sent_by_the_next(post):
    post.add(ask=True)
    [entry], _ = post.box.unstored({0: 1})
    heir = Post()
    heir.box.restore(entry)
    assert heir.sent[0][0] == post.sent[0][0]
    heir.answer(OK)
    heir.told.pop()[1](OK)
    assert heir.drain() == ([], ["us-1/1.0"])


def test_a_parked_message_stays_parked_after_a_failover_until_an_operator_tries_it_again(post):
    post.add()
    post.answer(REFUSED)
    [entry] = post.box.parked()
    heir = Post()
    heir.box.restore(entry)
    assert heir.sent == []
    assert heir.box.counts() == (1, 1)
    assert heir.box.retry_parked() == 1
    assert len(heir.sent) == 1
    assert [(e.message_id, e.parked, e.attempts) for e in heir.box.unstored({})[0]] == [("us-1/1.0", False, 0)]
    heir.answer(OK)
    assert heir.drain() == ([], ["us-1/1.0"])


def test_a_dropped_shard_sends_nothing_more_and_late_answers_change_nothing(post):
    post.add(ask=True)
    post.add(version=2, shard=1)
    post.box.drop(0)
    post.answer(OK)
    assert post.told == []
    post.answer(AWAY)
    post.box.drop(1)
    post.add(ask=True, version=3, shard=2)
    post.answer(OK)
    post.box.drop(2)
    post.told.pop()[1](OK)
    assert post.wait(10_000) == 0
    assert post.box.counts() == (0, 0)


def test_an_outbox_entry_carries_what_the_receiver_needs(post):
    post.add(ask=True)
    [entry], _ = post.box.unstored({0: 1})
    assert isinstance(entry, OutboxEntry)
    assert (entry.sender_kind, entry.sender_id, entry.shard) == (*SENDER, 0)
    assert to_json(entry.message)
