"""ASVS 5.0.0, 6.2.4: at least the 3,000 most used passwords that fit the policy are refused."""

import time
from itertools import product

import pytest

from serve.identity.common_patterns import FILLERS_MAX, WORDS, is_made_as_most_are
from serve.identity.own_words import OwnWords
from serve.identity.passwords import LENGTH_MAX, LENGTH_MIN, BreachedList, WeakPassword, check_new_password

BREACHED = BreachedList()
TAILS = (
    "123",
    "1234",
    "12345",
    "123456",
    "123!",
    "_01",
    *(f"{year}{mark}" for year in range(2020, 2036, 3) for mark in ("", "!", "!!")),
)


def is_refused(text: str) -> bool:
    try:
        check_new_password(text, BREACHED, OwnWords())
    except WeakPassword as weak:
        return weak.reason == "breached"
    return False


@pytest.mark.parametrize(
    "text",
    [
        "Summer2025!!", "1234567890-=", "trustno11234", "0987654321qwerty", "qwertyuiop123", "P@$$w0rd1234", "Welcome@2031", "1q2w3e4r5t6y",
        "zaq12wsxcde3", "1qaz2wsx3edc", "adminadmin12", "Monkey-Monkey-2026", "  !!dragon1987!!", "aaaaaaaaaaaa", "Contraseña2026", "abcabcabcabc1",
        "Warehouse#0417", "ｓｕｍｍｅｒ２０２５！！", "1" * LENGTH_MAX,
    ],
)  # fmt: skip
def test_what_everybody_tries_first_is_taken(text):
    assert is_refused(text)


@pytest.mark.parametrize(
    "text", ["xxxxxxxxxxxx", "abababababab", "hahahahahaha", "XxXxXxXxXxXx", "jajajajajajaja", "qv7qv7qv7qv7", "ñññññññññññññ", "lololololololol"]
)  # fmt: skip
def test_the_same_few_characters_again_and_again_are_taken(text):
    assert is_refused(text)


def test_a_text_is_refused_for_being_written_twice_though_it_is_good_once():
    assert not is_refused("kT9#vQ2kT9#vQ2")
    assert is_refused("Summer25Summer25")


def test_fewer_than_three_thousand_that_fit_the_policy_are_refused():
    tried = {word + tail for word, tail in product(WORDS, TAILS)} | {f"{word}{word}{word}" for word in WORDS}
    tried |= {f"{text[:1].upper()}{text[1:]}" for text in BREACHED._words}
    fitting = [text for text in tried if LENGTH_MIN <= len(text) <= LENGTH_MAX]
    refused = {text.casefold() for text in fitting if is_refused(text)}
    assert len(refused) >= 3_000
    assert [text for text in fitting if text.casefold() not in refused] == []


@pytest.mark.parametrize(
    "text",
    [
        "four büs tickets to Lyon", "only lower case words", "blue summer monkey 2025", "monkey dragon 12", "the sun is in my coffee", "Purple-Forklift-71",
        "my dog eats summer hats", "九つの言葉は十分に長いです", "kT9#vQ2!mZ7&", "583920174651", "summer 690417306", "qwerty is no way to write",
    ],
)  # fmt: skip
def test_a_good_password_is_refused_for_a_word_in_it(text):
    assert not is_refused(text)


def test_a_year_and_marks_make_a_word_good_but_chance_does_not():
    assert is_made_as_most_are("summer" + "6904!173"[:FILLERS_MAX])
    assert not is_made_as_most_are("summer" + "6904!1730")


def test_a_long_text_holds_up_everybody_else():
    for text in ("1234567890" * 12, "passwor" * 18, "123" * 42, "a!" * 64):
        before = time.process_time()
        is_made_as_most_are(text[:LENGTH_MAX])
        assert time.process_time() - before < 0.5
