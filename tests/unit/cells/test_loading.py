"""A store that has come up is ended, because it was silent when it was asked last; or one that never
comes up is waited for."""

from cells.loading import wait_for_load
from cells.redis import EmbeddedRedis


def test_a_store_that_came_up_while_it_was_asked_is_taken_for_a_silent_one():
    answers = iter([False, True])
    assert wait_for_load(lambda: next(answers), lambda: False, "Redis", 0.0)


def test_a_store_that_stays_silent_is_waited_for_without_end():
    assert not wait_for_load(lambda: False, lambda: False, "Redis", 0.0)


def test_a_redis_that_answers_one_question_of_two_while_it_reads_is_taken_for_a_silent_one(tmp_path, monkeypatch):
    redis = EmbeddedRedis(tmp_path / "home", tmp_path)
    answers = iter([b"-LOADING Redis is loading the dataset in memory\r\n", b""])
    monkeypatch.setattr("cells.redis.answer", lambda path, request: next(answers))
    assert not redis.ready()
    assert redis.loads()
