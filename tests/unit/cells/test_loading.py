"""A store that has come up is ended, because it was silent when it was asked last; or one that never comes up is waited for."""

from cells.loading import wait_for_load


def test_a_store_that_came_up_while_it_was_asked_is_taken_for_a_silent_one():
    answers = iter([False, True])
    assert wait_for_load(lambda: next(answers), lambda: False, "Redis", 0.0)


def test_a_store_that_stays_silent_is_waited_for_without_end():
    assert not wait_for_load(lambda: False, lambda: False, "Redis", 0.0)
