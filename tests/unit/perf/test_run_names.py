"""Names of runs: two must never meet, and none may look like something that cells refuse."""

from perf.run_names import LENGTH, new_run


def test_two_runs_share_their_keys() -> None:
    assert len({new_run() for _ in range(1000)}) == 1000


def test_a_run_with_a_counter_behind_looks_like_a_card_number() -> None:
    for _ in range(1000):
        name = new_run()
        assert len(name) == LENGTH
        assert name.isascii()
        assert name.isalpha()
