"""A password made of the retailer's names is refused, and a sentence that names one is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.identity.own_words import LETTERS_LEFT_MIN, OwnWords

ACME = OwnWords(["Acme", "Blue Kettle", "Austin", "São Paulo", "Köln", "Café", "us", "", "九つの言葉"])


@pytest.mark.parametrize(
    "text",
    [
        "AcmeAcmeAcme",
        "acme-Austin-2026!",
        "2026 ACME blue kettle",
        "b-l-u-e-k-e-t-t-l-e",
        "BLUE.KETTLE.abc",
        "São Paulo 123",
        "sa\u0303opaulo!!",
        "köln köln köln",
        "KO\u0308LN-2026-KO\u0308LN",
        "\uff41\uff43\uff4d\uff45-2026-2026",
        "九つの言葉九つの言葉!!",
    ],
)
def test_nothing_but_own_words_is_taken(text):
    assert ACME.make_up(text)


@pytest.mark.parametrize(
    "text",
    [
        "the Austin bus is never late",
        "acme tuna pasta",
        "austin-abcd-2026",
        "1234567890123",
        "seven grey kettles sing",
        "us us us us us us",
        "acacmeme and more",
        "",
    ],
)
def test_a_word_in_a_sentence_or_none_at_all_spoils_a_password(text):
    assert not ACME.make_up(text)


def test_what_stood_around_a_word_makes_another_one():
    # "kettle" goes out first; what stands before and after it must not be read as "acme" then.
    words = OwnWords(["acme", "kettle"])
    assert not words.make_up("ac-kettle-me")
    assert words.make_up("acme-kettle-acm")


def test_a_shorter_word_hides_a_longer_one_that_begins_with_it():
    assert OwnWords(["blue", "bluebell"]).make_up("bluebell 2026 bluebell")


def test_names_that_are_too_short_are_words():
    assert len(ACME) == 7
    assert len(OwnWords(["ab-c", "x"])) == 0
    assert not OwnWords().make_up("acme acme acme")


@given(st.text(max_size=40))
def test_what_has_none_of_the_words_is_judged(text):
    assert not OwnWords(["zzzzqqqqzzzz"]).make_up(text)


@given(
    st.lists(st.sampled_from(["Acme", "AUSTIN", "blue kettle"]), min_size=1, max_size=5),
    st.text("0123456789-_ .!", max_size=9),
)
def test_digits_and_signs_around_hide_the_words(words, around):
    assert ACME.make_up(around.join(["", *words, ""]))
    assert not ACME.make_up(around.join(["", *words, "x" * LETTERS_LEFT_MIN]))
