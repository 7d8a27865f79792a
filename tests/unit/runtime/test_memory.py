"""The memory of commands must neither forget too early nor grow for ever."""

import random

from actors.domain.times import HOUR_MS
from actors.runtime.memory import LAYER_HOURS, NEWEST_MAX, CommandMemory, Remembered, Seen

NOON = 500_000 * HOUR_MS


def command(
    entity_id: str = "us-1", command_id: str = "c1", position: int = 1, *, provisional: bool = False
) -> Remembered:
    return Remembered(entity_id, command_id, position, 7, 0, b"first", provisional)


def test_a_command_is_not_forgotten_within_24_hours_whatever_minute_it_came_in():
    for minute in (0, 59):
        seen = Seen(24)
        came_at = NOON + minute * 60_000
        seen.add(1, came_at)
        for hour in range(1, 25):
            seen.add(1000 + hour, came_at + hour * HOUR_MS)
            assert 1 in seen, (minute, hour)


def test_old_commands_do_not_pile_up_for_ever():
    seen = Seen(24)
    for hour in range(100):
        seen.add(hour, NOON + hour * HOUR_MS)
    assert 0 not in seen
    assert sum(fingerprint in seen for fingerprint in range(100)) <= 24 + 2 * LAYER_HOURS


def test_nothing_is_taken_for_seen_that_was_not_and_nothing_seen_for_new():
    chance = random.Random(1)
    seen, told = Seen(24), set()
    for hour in range(20):
        for _ in range(200):
            fingerprint = chance.getrandbits(63)
            seen.add(fingerprint, NOON + hour * HOUR_MS)
            told.add(fingerprint)
    assert all(fingerprint in seen for fingerprint in told)
    assert not any(
        fingerprint in seen for fingerprint in (chance.getrandbits(63) for _ in range(5000)) if fingerprint not in told
    )


def test_a_day_at_a_high_rate_neither_forgets_nor_makes_each_look_up_dearer():
    chance = random.Random(2)
    seen, told = Seen(24), []
    for hour in range(24):
        for _ in range(NEWEST_MAX + 100):
            fingerprint = chance.getrandbits(63)
            seen.add(fingerprint, NOON + hour * HOUR_MS)
            told.append(fingerprint)
    assert all(fingerprint in seen for fingerprint in told)
    # A look-up asks each layer once; of those that were never seen, few get past the filters.
    assert len(seen.layers) <= 2 + 24 // LAYER_HOURS * 3
    # Nor a run of a layer for each of them.
    assert sum(len(layer._runs) for layer in seen.layers) <= 24 + 24 // LAYER_HOURS
    strangers = [chance.getrandbits(63) for _ in range(2000)]
    passed = sum(layer.may_hold(stranger) for layer in seen.layers for stranger in strangers)
    assert passed < len(strangers) * len(seen.layers) * 0.05


def test_fingerprints_of_the_journal_count_after_a_failover_for_as_long_as_new_ones():
    seen = Seen(24)
    seen.load([5, 3, 3, 2**63 - 1], NOON)
    assert not seen.layers[0].full
    for hour in range(25):
        seen.add(100 + hour, NOON + hour * HOUR_MS)
        assert 3 in seen
        assert 2**63 - 1 in seen
    seen.add(200, NOON + (25 + 2 * LAYER_HOURS) * HOUR_MS)
    assert 3 not in seen


def test_what_came_last_into_a_layer_is_forgotten_with_what_came_first():
    seen = Seen(24)
    seen.load([1], NOON)
    seen.load([2], NOON + (LAYER_HOURS - 1) * HOUR_MS)
    assert len(seen.layers) == 1
    seen.load([3], NOON + (LAYER_HOURS - 1 + 24) * HOUR_MS)
    assert 2 in seen


def test_a_clock_that_steps_back_over_the_hour_loses_nothing():
    seen = Seen(24)
    seen.add(1, NOON + 3 * HOUR_MS)
    seen.add(2, NOON)
    seen.add(3, NOON + 3 * HOUR_MS)
    seen.add(4, NOON)
    assert all(fingerprint in seen for fingerprint in (1, 2, 3, 4))


def test_an_answer_that_is_not_in_the_store_is_never_evicted():
    memory = CommandMemory(2, Seen(24))
    for position in range(1, 11):
        memory.put(position, command(command_id=f"c{position}", position=position), NOON)
    memory.forget(drained=0)
    assert all(memory.recall(n) for n in range(1, 11))
    memory.forget(drained=5)
    assert [n for n in range(1, 11) if memory.recall(n)] == [6, 7, 8, 9, 10]
    memory.forget(drained=10)
    assert [n for n in range(1, 11) if memory.recall(n)] == [9, 10]
    assert 1 in memory.seen  # "not recent" must not become "never seen"


def test_a_repetition_after_the_final_answer_does_not_get_the_provisional_one():
    memory = CommandMemory(10, Seen(24))
    memory.put(1, command(provisional=True), NOON)
    memory.finish("us-1", "c1", b"final", 2)
    known = memory.recall(1)
    assert (known.reply, known.provisional) == (b"final", False)


def test_a_final_answer_is_not_given_to_the_same_command_id_of_another_entity():
    memory = CommandMemory(10, Seen(24))
    memory.put(1, command("us-1", provisional=True), NOON)
    memory.put(2, command("us-2", provisional=True), NOON)
    memory.finish("us-1", "c1", b"final", 2)
    assert memory.recall(2).provisional


def test_a_provisional_answer_read_back_from_the_history_does_not_hide_a_final_one_that_is_not_there_yet():
    memory = CommandMemory(1, Seen(24))
    memory.put(1, command(position=1, provisional=True), NOON)
    memory.put(2, command("us-2", "c2", position=2), NOON)
    memory.forget(drained=2)
    assert memory.recall(1) is None
    memory.finish("us-1", "c1", b"final", 3)
    memory.put(1, command(position=2, provisional=True), NOON)  # as the history has it
    assert memory.recall(1).reply == b"final"


def test_final_answers_do_not_pile_up_once_the_store_has_them():
    memory = CommandMemory(0, Seen(24))
    for position in range(1, 1001):
        memory.finish(f"us-{position}", "c", b"final", position)
    memory.forget(drained=1000)
    assert not memory._finals
    assert not memory._provisional


def test_an_evicted_provisional_command_leaves_nothing_behind():
    memory = CommandMemory(0, Seen(24))
    memory.put(1, command(position=1, provisional=True), NOON)
    memory.forget(drained=1)
    assert not memory._provisional
    assert not memory._recent
