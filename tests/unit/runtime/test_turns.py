"""A turn happens once, whole, or not at all."""

import dataclasses

import msgspec
import pytest

from actors.domain.audit import Who
from actors.domain.errors import RefusalBody
from actors.runtime import wire
from actors.runtime.codec import codecs, to_json
from actors.runtime.mailbox import Group
from actors.runtime.shard import Entity
from actors.runtime.turns import EvolveFault, NeedsStore, TurnTaker
from tests.unit.runtime import counter
from tests.unit.runtime.rig import CODECS, called, code_of, envelope, query, shard, total_of, turn


class Table:
    """A shard with one counter (version 1, total 1), and what one needs to take turns."""

    def __init__(self, codecs=CODECS) -> None:
        self.taker = TurnTaker(codecs)
        self.shard = shard()
        self.shard.entities["counter", "us-1"] = Entity(counter.Counter(1), 1, 0.0)
        self.group = Group()

    @property
    def entity(self) -> Entity:
        return self.shard.entities["counter", "us-1"]

    def take(self, one, *, now_ms: int = 0, absent: bool = False, asked: bool = False):
        """The reply to the envelope, which waits in the group."""
        item = called(one, [])
        if absent:
            item.absent = self.shard
        if asked:
            item.looked_up = self.shard
        self.taker.take(self.shard, item, self.group, now_ms, 0.0)
        return self.group.replies[-1][2]

    def turns(self):
        return [turn for part in self.group.parts.values() for turn in part.turns]


@pytest.fixture
def table() -> Table:
    return Table()


def test_the_same_command_twice_does_it_once_and_answers_the_same(table):
    first = table.take(envelope("us-1", counter.Add(5)))
    table.take(envelope("us-1", counter.Add(1), "c2"))
    again = table.take(envelope("us-1", counter.Add(5)))
    assert again == first
    assert total_of(first) == 6
    assert table.entity.state.total == 7
    assert len(table.turns()) == 2
    assert table.taker.repeats == 1


def test_a_reused_command_id_with_another_body_is_an_error_and_changes_nothing(table):
    table.take(envelope("us-1", counter.Add(5)))
    reply = table.take(envelope("us-1", counter.Add(6)))
    assert (reply.status, code_of(reply)) == (wire.KEY_REUSED, wire.CODE_KEY_REUSED)
    assert table.entity.state.total == 6


def test_a_refusal_is_remembered_even_when_the_command_would_be_fine_by_now(table):
    refused = table.take(envelope("us-1", counter.Add(-1)))
    assert (refused.status, code_of(refused)) == (wire.REFUSED, "counter.negative")
    assert table.take(envelope("us-1", counter.Add(-1))) == refused
    [turn] = table.turns()
    assert (turn.events, turn.status, turn.version) == (b"[]", wire.REFUSED, 1)
    assert table.taker.refusals == 1


def test_asking_for_what_does_not_exist_fills_neither_journal_nor_memory(table):
    for number in range(100):
        reply = table.take(envelope(f"us-{number}-x", counter.Add(0), f"c{number}"), absent=True)
        assert reply.status == wire.OK
        refused = table.take(envelope(f"us-{number}-x", counter.Add(-1), f"d{number}"), absent=True)
        assert refused.status == wire.REFUSED
    assert table.turns() == []
    assert len(table.shard.entities) == 1
    assert len(table.shard.memory._recent) == 0


def found_wrong(entity_id: str, command: counter.Add, command_id: str = "c1"):
    """The same call, of which whoever asks finds now that it can't be done."""
    refused = to_json(RefusalBody("counter.late", "It is too late for that.", {"code": 7, "errors": []}))
    one = envelope(entity_id, command, command_id, who=Who("us-acct-mia"))
    return msgspec.structs.replace(one, body=b"", refused=refused)


def test_what_was_done_is_refused_when_it_is_asked_for_again_though_it_would_not_be_taken_now(table):
    done = table.take(envelope("us-1", counter.Add(5)))
    assert table.take(found_wrong("us-1", counter.Add(5))) == done
    assert code_of(table.take(found_wrong("us-1", counter.Add(6)))) == wire.CODE_KEY_REUSED
    assert table.entity.state.total == 6
    assert len(table.turns()) == 1


def test_what_was_found_wrong_changes_something_or_is_done_at_the_next_try(table):
    refused = table.take(found_wrong("us-1", counter.Add(5)))
    assert (refused.status, code_of(refused)) == (wire.REFUSED, "counter.late")
    assert msgspec.json.decode(refused.body)["extra"] == {"code": 7, "errors": []}
    assert not refused.audited  # it was no command: whoever found it notes it
    # Nor when the gateway asks again because the first answer was lost: there is no line of the first delivery.
    assert table.take(found_wrong("us-1", counter.Add(5))) == refused
    assert table.take(envelope("us-1", counter.Add(5))).body == refused.body
    [turn] = table.turns()
    assert (turn.events, turn.status, turn.version, turn.audited) == (b"[]", wire.REFUSED, 1, [])
    assert table.entity.state.total == 1


def test_what_was_found_wrong_before_anything_exists_is_remembered(table):
    refused = table.take(found_wrong("us-2", counter.Add(5)), absent=True)
    assert code_of(refused) == "counter.late"
    assert table.turns() == []
    assert total_of(table.take(envelope("us-2", counter.Add(5)), absent=True)) == 5


def test_what_was_found_wrong_is_told_before_the_history_was_asked_whether_it_was_done(table):
    one = msgspec.structs.replace(found_wrong("us-1", counter.Add(5)), since_ms=1)
    with pytest.raises(NeedsStore):
        table.take(one)
    assert code_of(table.take(one, asked=True)) == "counter.late"


@pytest.mark.parametrize("who", [None, Who("us-acct-mia")])
def test_a_refusal_says_that_the_audit_has_it_and_no_turn_carries_it(table, who):
    refused = table.take(envelope("us-1", counter.Add(-1), who=who))
    assert refused.audited is (who is not None)
    assert table.take(envelope("us-1", counter.Add(-1), who=who)) == refused
    assert [bool(turn.audited) for turn in table.turns()] == [refused.audited]
    # Where nothing exists no turn is kept; a reused key has none of its own; and what went well is nobody's to note.
    assert not table.take(envelope("us-2", counter.Add(-1), who=who), absent=True).audited
    assert not table.take(envelope("us-1", counter.Add(-2), who=who)).audited
    assert not table.take(envelope("us-1", counter.Add(1), "c2", who=who)).audited
    assert not table.take(envelope("us-1", counter.Add(1), "c2", who=who)).audited


def test_an_id_that_was_refused_as_unknown_can_be_created_with_the_same_command_id_later(table):
    table.take(envelope("us-2", counter.Add(-1)), absent=True)
    assert total_of(table.take(envelope("us-2", counter.Add(3)), absent=True)) == 3


def test_a_crash_in_decide_changes_nothing_and_is_not_remembered(table):
    with pytest.raises(ZeroDivisionError):
        table.take(envelope("us-1", counter.CrashInDecide()))
    assert (table.entity.state.total, table.entity.version, table.entity.dirty) == (1, 1, 0)
    assert table.turns() == []
    assert total_of(table.take(envelope("us-1", counter.Add(1)))) == 2  # the id is free


def test_an_event_that_cannot_be_applied_condemns_the_shard(table):
    with pytest.raises(EvolveFault):
        table.take(envelope("us-1", counter.CrashInEvolve()))
    assert table.turns() == []


def test_a_crash_after_the_state_was_changed_condemns_the_shard_too(table):
    with pytest.raises(EvolveFault):
        table.take(envelope("us-1", counter.CrashInReply()))
    assert table.turns() == []


def test_an_entity_that_is_not_in_memory_is_loaded_and_not_taken_for_new(table):
    with pytest.raises(NeedsStore):
        table.take(envelope("us-9", counter.Add(1)))
    with pytest.raises(NeedsStore):
        table.take(query("us-9"))


def test_a_creation_does_not_wait_for_the_store(table):
    assert total_of(table.take(envelope("us-9", counter.Add(4), creates=True))) == 4


def test_a_repeated_creation_under_another_id_gets_the_first_answer(table):
    first = table.take(envelope("us-a", counter.Add(4), creates=True))
    again = table.take(envelope("us-b", counter.Add(4), creates=True))
    assert again == first
    assert ("counter", "us-b") not in table.shard.entities


def test_a_command_seen_before_the_failover_is_looked_up_and_not_done_again(table):
    command = envelope("us-1", counter.Add(5))
    table.take(command)
    table.shard.memory._recent.clear()
    with pytest.raises(NeedsStore) as needs:
        table.take(command)
    assert needs.value.fingerprint == table.turns()[0].fingerprint
    assert table.entity.state.total == 6


def test_a_fingerprint_that_collides_does_not_block_a_command_for_ever(table):
    command = envelope("us-1", counter.Add(5))
    table.take(command)
    table.shard.memory._recent.clear()
    assert total_of(table.take(command, asked=True)) == 11  # the history was asked and knows of none


def waiting_tickets(table) -> list[int]:
    assert table.shard.waiters.keys() == {("us-1", "place")}
    return [waiter.envelope.ticket for waiter in table.shard.waiters["us-1", "place"]]


def test_a_provisional_answer_says_pending_only_to_who_waits(table):
    waiting = table.take(envelope("us-1", counter.Begin(), "place", wait=True, ticket=3))
    assert waiting.status == wire.PENDING
    assert waiting_tickets(table) == [3]
    again = table.take(envelope("us-1", counter.Begin(), "place"))
    assert (again.status, again.body) == (wire.OK, waiting.body)
    assert table.take(envelope("us-1", counter.Begin(), "place", wait=True, ticket=4)).status == wire.PENDING
    assert waiting_tickets(table) == [3, 4]


def test_the_final_answer_replaces_the_provisional_one_for_repetitions(table):
    table.take(envelope("us-1", counter.Begin(), "place"))
    table.take(envelope("us-1", counter.Finish("place"), "f"))
    again = table.take(envelope("us-1", counter.Begin(), "place", wait=True))
    assert (again.status, total_of(again)) == (wire.OK, 101)
    assert table.turns()[-1].answers == [("place", again.body)]


def test_a_read_of_a_missing_entity_is_a_refusal_and_not_a_crash(table):
    reply = table.take(query("us-9"), absent=True)
    assert (reply.status, code_of(reply)) == (wire.REFUSED, "counter.unknown")


def test_a_crash_where_nothing_happened_condemns_no_shard(table):
    for _ in range(2):  # nor is it remembered
        with pytest.raises(ZeroDivisionError):
            table.take(envelope("us-1", counter.CrashInReply(happens=False)))
    assert (table.entity.version, table.turns()) == (1, [])


class WholeRow(counter.CounterRow):
    state: bytes


def test_what_a_turn_or_the_tail_made_counts_nothing_for_the_memory_cap():
    def rows(state, version, events, context):
        return [WholeRow(context.entity_id, version, state.total, None, bytes(state.total))]

    heavy = codecs({"counter": dataclasses.replace(counter.COUNTER, rows=rows)})
    table, entity = Table(heavy), Entity(counter.Counter(10), 2, 0.0)
    table.take(envelope("us-1", counter.Add(6)))
    table.taker.fold(heavy["counter"], entity, turn("us-1", 3))
    assert (table.entity.weight, entity.weight) == (7, 11)


def test_a_turn_of_the_tail_that_the_snapshot_contains_is_not_applied_twice(table):
    codec, entity = CODECS["counter"], Entity(counter.Counter(10), 2, 0.0)
    assert table.taker.fold(codec, entity, turn("us-1", 2)) == []
    assert entity.state.total == 10
    [row] = table.taker.fold(codec, entity, turn("us-1", 3))
    assert (row.version, row.total, entity.version) == (3, 11, 3)


def test_a_remembered_refusal_of_the_tail_changes_nothing_when_it_is_folded(table):
    entity = Entity(counter.Counter(10), 2, 0.0)
    assert table.taker.fold(CODECS["counter"], entity, turn("us-1", 2, b"[]")) == []
    assert entity.version == 2


def test_a_timer_s_turn_is_remembered_and_keeps_all_behind_it_from_being_forgotten(table):
    oldest = 10
    for number in range(3 * oldest):
        table.take(envelope("us-1", counter.Add(1), f"c{number}"))
        table.take(envelope("us-1", counter.Wake(), f"wake-{number}", mode=wire.WAKE))
    memory = table.shard.memory
    assert 0 not in memory.seen
    table.group = Group()
    table.take(envelope("us-1", counter.Wake(), "wake-last", mode=wire.WAKE))
    memory._recent_max = oldest
    memory.forget(table.shard.position - 1)  # the drain has committed all but the last wake
    assert len(memory._recent) == oldest
