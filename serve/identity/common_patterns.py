"""Passwords that are made as most people make theirs: one common word with a year and marks,
or a way over the keyboard.

ASVS 5.0.0, 6.2.4 asks for at least the 3,000 most used passwords that fit the policy. Of 12 characters and more these
are few short words, drawn out: `Summer2025!!`, `trustno11234`, `1234567890-=`. This is a rule and no list, for three
reasons: a list ends with its years and its tails, while the rule knows those of next year; it covers hundreds of
thousands of texts without keeping one in memory; and nothing is copied from anybody's list of stolen passwords. A list
of one's own still adds to it (`BreachedList`).

    folded, read from the left, the longest piece that fits  →  words · walks · years, digits and marks · letters of no piece
    the same three characters or fewer again and again  →  refused
    no letter of no piece, not more than one word (as often as you like), at most FILLERS_MAX digits and marks of no walk  →  refused

`Monkey-Monkey-2026` is such a one; two different words are none, neither is a sentence: there are no rules of
composition. Twelve digits that nothing joins are not refused either.
"""

from __future__ import annotations

import re
from importlib import resources

from serve.identity.folding import folded

# A year, a date or a PIN with some marks around it; more of them are no habit but chance.
FILLERS_MAX = 8
# Shorter ways over the keyboard stand in words of every language.
WALK_CHARS_MIN = 3

# What stands in for a letter in passwords: the letter is not the harder to guess for it.
_STAND_INS = {"a": "@4", "b": "8", "e": "3", "g": "9", "i": "1!", "l": "1", "o": "0", "s": "$5", "t": "7+", "z": "2"}
_LINES = (
    "12345678901234567890", "abcdefghijklmnopqrstuvwxyzabc", "!@#$%^&*()_+", '!"·$%&/()=?¿', "1234567890-=", "2468013579",
    "qwertyuiop[]", "asdfghjkl;'", "asdfghjklñ", "zxcvbnm,./", "qwertzuiopü", "azertyuiop", "qsdfghjklm", "yxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "a1b2c3d4e5f6g7h8i9", "1a2b3c4d5e6f7g8h9i", "qawsedrftgyhujikolp", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "!qaz@wsx#edc$rfv%tgb^yhn&ujm*ik<", "qazwsxedcrfvtgbyhnujmikolp", "zaq12wsxcde34rfvbgt5", "zaqxswcdevfrbgtnhymjukilop", "147258369", "159357", "741852963",
)  # fmt: skip
_WAYS = tuple(line for drawn in _LINES for line in (drawn, drawn[::-1]))
_WALK_CHARS_MAX = max(map(len, _WAYS))
# What is written again and again is no better than once; and no longer than that it is nothing, once.
REPEATED_CHARS_MAX = 3
_AGAIN = re.compile(r"(.+?)\1+", re.DOTALL)
_SAME = re.compile(r"([a-z0-9!-/:-@])\1{2,}")


def _words() -> list[str]:
    """Those of the file, the longest first: an alternation takes the first that fits."""
    lines = (resources.files("serve.identity") / "common_words.txt").read_text("utf-8").splitlines()
    words = {folded(word) for line in lines if not line.startswith("#") for word in line.split()}
    return sorted(words, key=lambda word: (-len(word), word))


def _spelled(word: str) -> str:
    """The word with all that stands in for its letters, as a pattern."""
    return "".join(f"[{letter}{re.escape(_STAND_INS[letter])}]" if letter in _STAND_INS else letter for letter in word)


WORDS = tuple(_words())
_WORD = re.compile("|".join(f"({_spelled(word)})" for word in WORDS))
_LETTERS_MIN = 2  # of a word as it was typed: 7357 is a number


def is_made_as_most_are(text: str) -> bool:
    """Is the text nothing but one common word, ways over the keyboard, and a few digits and marks? Or the same few
    characters, or such a one, again and again?"""
    again = _AGAIN.fullmatch(text := folded(text))
    return _is_drawn_out(text) or _is_common(text) or (again is not None and _is_common(again.group(1)))


def _is_drawn_out(text: str) -> bool:
    """The same few characters, the last time maybe not all of them."""
    return any(text[few:] == text[:-few] for few in range(1, REPEATED_CHARS_MAX + 1))


def _is_common(text: str) -> bool:
    words: set[int | None] = set()
    fillers = at = 0
    while at < len(text):
        word = _word_at(text, at)
        end = max(_walked(text, at), 0 if word is None else word.end())
        if word is not None and word.end() == end:
            words.add(word.lastindex)
        elif not end:
            if text[at].isalpha():
                return False
            fillers, end = fillers + 1, at + 1
        if len(words) > 1 or fillers > FILLERS_MAX:
            return False
        at = end
    return True


def _word_at(text: str, start: int) -> re.Match[str] | None:
    word = _WORD.match(text, start)
    return word if word is not None and sum(char.isalpha() for char in word.group()) >= _LETTERS_MIN else None


def _walked(text: str, start: int) -> int:
    """Where a way over the keyboard from there ends, or the same character again and again; 0 for none."""
    same = _SAME.match(text, start)
    end = 0 if same is None else same.end()
    for length in range(WALK_CHARS_MIN, _WALK_CHARS_MAX + 1):
        if start + length > len(text) or not any(text[start : start + length] in way for way in _WAYS):
            break
        end = max(end, start + length)
    return end
