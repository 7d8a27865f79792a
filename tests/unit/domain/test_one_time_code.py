from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.domain import one_time_code as code
from actors.domain.one_time_code import ASK_EVERY_MS, ASKS_MAX, CODE_MS, NONE, TRIES_MAX, Codes
from actors.domain.times import MINUTE_MS

NOW_MS = 1_767_225_600_000
RIGHT, WRONG = b"r" * 32, b"w" * 32


def asked(codes: Codes = NONE, digest: bytes = RIGHT, now_ms: int = NOW_MS) -> Codes:
    kept = code.asked(codes, digest, now_ms)
    assert kept is not None
    return kept


def test_a_code_fits_when_none_was_ever_asked_for():
    for digest in (b"", RIGHT, NONE.digest):
        assert not code.fits(NONE, digest, NOW_MS)


def test_a_code_fits_after_its_time():
    kept = asked()
    assert code.fits(kept, RIGHT, NOW_MS + CODE_MS - 1)
    assert not code.fits(kept, RIGHT, NOW_MS + CODE_MS)


def test_a_used_code_fits_again():
    used = code.used(asked())
    assert not code.fits(used, RIGHT, NOW_MS)
    assert not code.fits(used, b"", NOW_MS)


def test_a_code_is_tried_more_often_than_it_may():
    kept = asked()
    for left in range(TRIES_MAX - 1, -1, -1):
        assert code.fits(kept, RIGHT, NOW_MS)
        kept = code.missed(kept)
        assert kept.tries_left == left
    assert not code.fits(kept, RIGHT, NOW_MS)
    assert not code.waits(kept, NOW_MS)


def test_an_older_code_fits_beside_the_newer_or_a_newer_one_keeps_its_misses():
    newer = asked(code.missed(asked()), WRONG)
    assert not code.fits(newer, RIGHT, NOW_MS)
    assert code.fits(newer, WRONG, NOW_MS)
    assert newer.tries_left == TRIES_MAX


@pytest.mark.parametrize("end", [code.used, code.missed, lambda codes: codes])
def test_a_storm_of_requests_fills_a_mailbox_or_is_forgotten_by_using_a_code(end):
    codes = NONE
    for number in range(ASKS_MAX):
        codes = end(asked(codes, now_ms=NOW_MS + number))
    assert code.asked(codes, RIGHT, NOW_MS + ASK_EVERY_MS - 1) is None
    codes = asked(codes, now_ms=NOW_MS + ASK_EVERY_MS)
    assert code.asked(codes, RIGHT, NOW_MS + 2 * ASK_EVERY_MS - 1) is None
    assert asked(codes, now_ms=NOW_MS + (ASKS_MAX + 1) * ASK_EVERY_MS).asked == 1


def test_whoever_asks_all_the_time_keeps_the_owner_without_a_code_for_longer_than_a_moment():
    codes, sent = NONE, []
    for minute in range(24 * 60):
        kept = code.asked(codes, RIGHT, NOW_MS + minute * MINUTE_MS)
        if kept is not None:
            codes, sent = kept, [*sent, minute]
    assert max(later - sooner for sooner, later in pairwise(sent)) * MINUTE_MS <= ASK_EVERY_MS
    assert len(sent) <= ASKS_MAX + 24 * 60 * MINUTE_MS // ASK_EVERY_MS


@given(st.lists(st.tuples(st.sampled_from(["ask", "right", "wrong"]), st.integers(0, 2 * CODE_MS)), max_size=80))
def test_somebody_gets_in_more_often_than_codes_were_sent_or_tries_more_than_they_have(steps):
    codes, now_ms, sent, taken, counted = NONE, NOW_MS, 0, 0, 0
    for step, later_ms in steps:
        now_ms += later_ms
        if step == "ask":
            kept = code.asked(codes, RIGHT, now_ms)
            codes, sent = (codes, sent) if kept is None else (kept, sent + 1)
        elif step == "right" and code.fits(codes, RIGHT, now_ms):
            codes, taken = code.used(codes), taken + 1
        elif step == "wrong" and code.waits(codes, now_ms):
            assert not code.fits(codes, WRONG, now_ms)
            codes, counted = code.missed(codes), counted + 1
        assert 0 <= codes.tries_left <= TRIES_MAX
        assert codes.asked - (now_ms - codes.first_asked_ms) // ASK_EVERY_MS <= ASKS_MAX
    assert taken <= sent
    assert counted <= sent * TRIES_MAX
    assert sent <= ASKS_MAX + (now_ms - NOW_MS) // ASK_EVERY_MS
