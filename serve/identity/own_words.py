"""Words that are the retailer's own, and passwords that are made of nothing else.

Who guesses at a retailer's staff begins with its names, its products and its places (ASVS 5.0.0, 6.1.2 and 6.2.11).
NIST SP 800-63B-4 (section 3.1.1.2) has the whole password compared with such words and what is derived from them, not
whatever stands in it somewhere: a sentence may well name a town. So the rule is about what is left of a password
when the own words are out:

    folded, letters and digits only  →  own words out, the longest first  →  fewer than LETTERS_LEFT_MIN letters: refused

`Acme-Austin-2026!` is such a one, `the Austin bus is never late` is not. A password that holds none of the words is
none of our business: there are no rules of composition.
"""

from __future__ import annotations

from collections.abc import Iterable

from serve.identity.folding import folded

# Shorter ones stand in words of every language, and say nothing of the retailer.
WORD_CHARS_MIN = 4
# As long as the shortest word: what is left could be a word of its own.
LETTERS_LEFT_MIN = 4


class OwnWords:
    """Made of names as people write them, such as `Blue Kettle`; capitals, blanks and signs in them don't matter. What
    has fewer than WORD_CHARS_MIN letters and digits is left out."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        words = {plain(name) for name in names}
        self._words = sorted((word for word in words if len(word) >= WORD_CHARS_MIN), key=len, reverse=True)

    def __len__(self) -> int:
        return len(self._words)

    def make_up(self, text: str) -> bool:
        """Is the text nothing but own words, digits, signs, and a letter or three?"""
        whole = left = plain(text)
        for word in self._words:
            left = left.replace(word, " ")  # a blank, so that what stood around it makes no new word
        return left != whole and sum(char.isalpha() for char in left) < LETTERS_LEFT_MIN


def plain(text: str) -> str:
    """The letters and digits of a text, folded."""
    return "".join(char for char in folded(text) if char.isalnum())
