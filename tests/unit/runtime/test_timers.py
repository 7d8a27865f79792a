"""A timer must go off, once, for the right due-time, and only while the shard is ours."""

from actors.runtime.pauses import LONGEST_MS
from actors.runtime.timers import Timers

A, B = ("order", "us-a"), ("order", "us-b")


def test_nothing_goes_off_early_and_the_earliest_comes_first():
    timers = Timers()
    timers.set(0, A, 200)
    timers.set(0, B, 100)
    assert timers.due(99, 10) == []
    assert [key for _, _, key in timers.due(200, 10)] == [B, A]
    assert timers.due(10_000, 10) == []


def test_a_due_time_that_was_moved_does_not_fire_at_the_old_one_and_not_twice():
    timers = Timers()
    timers.set(0, A, 100)
    timers.set(0, A, 300)
    assert timers.due(200, 10) == []
    timers.set(0, A, 300)
    assert timers.due(400, 10) == [(300, 0, A)]
    assert timers.due(400, 10) == []


def test_what_the_store_told_before_it_heard_of_a_change_puts_nothing_off():
    timers = Timers()
    timers.stored(0, A, 200)
    timers.set(0, A, 100)
    timers.stored(0, A, 200)
    assert timers.due(100, 10) == [(100, 0, A)]
    timers.stored(0, A, 200)
    timers.stored(0, A, 150)
    assert timers.due(200, 10) == [(150, 0, A)]


def test_who_can_not_be_woken_is_woken_all_the_time():
    timers = Timers()
    timers.set(0, A, 100)
    for now_ms, pause_ms in ((100, 1_000), (2_000, 2_000), (5_000, 4_000)):
        assert [key for _, _, key in timers.due(now_ms, 10)] == [A]
        timers.fault(A, now_ms)
        timers.drop(0)  # its shard is built again, and the store tells what it wants
        timers.stored(0, A, 100)
        timers.set(0, B, now_ms)
        assert [key for _, _, key in timers.due(now_ms + pause_ms - 1, 10)] == [B], "and nobody else with it"
    timers.well(A)
    timers.set(0, A, 6_000)
    assert [key for _, _, key in timers.due(6_000, 10)] == [A]


def test_who_could_not_be_woken_for_once_is_woken_as_soon_as_his_shard_is_back_or_ever_later():
    timers = Timers()
    timers.set(0, A, 100)
    for now_ms in (100, 1_100, 2_100):
        assert [key for _, _, key in timers.due(now_ms, 10)] == [A]
        timers.late(A, now_ms)
        timers.drop(0)
        timers.set(0, A, 100)
        assert timers.due(now_ms + 999, 10) == []
    timers.due(3_100, 10)
    timers.well(A)
    timers.set(0, A, 3_200)
    assert [key for _, _, key in timers.due(3_200, 10)] == [A]


def test_a_pause_after_faults_grows_for_ever():
    timers = Timers()
    for _ in range(30):
        timers.fault(A, 0)
    timers.set(0, A, 0)
    assert timers.due(LONGEST_MS - 1, 10) == []
    assert timers.due(LONGEST_MS, 10) != []


def test_a_timer_that_was_taken_back_and_set_again_fires_once():
    timers = Timers()
    timers.set(0, A, 100)
    timers.set(0, A, None)
    assert len(timers) == 0
    timers.set(0, A, 100)
    assert timers.due(100, 10) == [(100, 0, A)]
    assert timers.due(100, 10) == []


def test_a_flood_of_due_timers_comes_in_portions_and_none_gets_lost():
    timers = Timers()
    for number in range(25):
        timers.set(0, ("order", str(number)), number)
    portions = [len(timers.due(100, 10)) for _ in range(4)]
    assert portions == [10, 10, 5, 0]


def test_timers_of_a_lost_shard_never_fire_and_those_of_others_do():
    timers = Timers()
    timers.set(1, A, 100)
    timers.set(2, B, 100)
    timers.drop(1)
    assert len(timers._heap) == 1, "shards that come and go fill the memory"
    assert timers.due(100, 10) == [(100, 2, B)]
    timers.set(1, A, 100)  # it is ours again
    assert timers.due(100, 10) == [(100, 1, A)]


def test_moving_a_due_time_to_and_fro_leaves_one_wake_up():
    timers = Timers()
    for _ in range(100):
        timers.set(0, A, 100)
        timers.set(0, A, 200)
    assert len(timers) == 1
    assert timers.due(500, 1000) == [(200, 0, A)]
