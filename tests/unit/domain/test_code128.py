"""Bars that are wider than they have to be: the label does not fit the parcel, or scanners don't reach it. What
they say: `test_paper.py`."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.domain.code128 import values, widths
from actors.domain.gs1_elements import FNC1

texts = st.text(st.sampled_from([*"0123456789" * 2, "A", "z", "%", FNC1]), min_size=1, max_size=14)


@cache
def least(text: str, subset: str) -> int:
    """The fewest characters, by trying everything."""
    if not text:
        return 0
    ways = [least(text[1:], "C") + 1 + (subset != "C")] if text[0] == FNC1 else []
    if len(text) > 1 and text[:2].isdigit():
        ways.append(least(text[2:], "C") + 1 + (subset != "C"))
    ways.append(least(text[1:], "B") + 1 + (subset != "B"))
    return min(ways)


@settings(max_examples=300)
@given(texts)
def test_more_characters_are_drawn_than_needed(text):
    # Start, FNC1 and check character come on top.
    assert len(values(text)) == min(least(text, "B"), least(text, "C")) + 3


@given(texts)
def test_a_character_has_another_width_than_eleven_modules(text):
    modules = widths(text)
    assert sum(modules) == 11 * len(values(text)) + 13
    assert len(modules) % 2 == 1


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        # The example of the General Specifications' figure of an SSCC: one character for two digits.
        ("00" + "095212340000000421", (105, 102, 0, 9, 52, 12, 34, 0, 0, 0, 4, 21)),
        ("10AB12", (105, 102, 10, 100, 33, 34, 17, 18)),
        ("10AB1234", (105, 102, 10, 100, 33, 34, 99, 12, 34)),
        ("21A123", (105, 102, 21, 100, 33, 17, 18, 19)),
        ("1012345", (105, 102, 10, 12, 34, 100, 21)),
    ],
)
def test_it_changes_subset_at_another_place(text, characters):
    *found, check = values(text)
    assert tuple(found) == characters
    assert check == (characters[0] + sum(at * value for at, value in enumerate(characters))) % 103
