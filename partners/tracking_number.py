"""Tracking numbers as the world's posts make them: two letters, eight digits, a check digit,
two letters: `CP123456785XX`.

Source: UPU standard S10: weights 8 6 4 2 3 5 9 7, modulo 11; ten is told as 0 and eleven as 5, so a few wrong digits go
unnoticed. The last two letters are those of the country; XX is nobody's, so that a number of the fake carrier is
never mistaken for a real one.
"""

from __future__ import annotations

import re

_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
SERIALS = 10 ** len(_WEIGHTS)
_FORM = re.compile(r"[A-Z]{2}[0-9]{9}[A-Z]{2}")


def tracking_number(service: str, serial: int, country: str = "XX") -> str:
    """service: two letters that name the kind of service. serial: from 0 up to SERIALS, not included."""
    assert 0 <= serial < SERIALS, "eight digits"
    digits = f"{serial:08}"
    return f"{service}{digits}{check_digit(digits)}{country}"


def is_tracking_number(text: str) -> bool:
    """Whether it has the form and its check digit fits."""
    return _FORM.fullmatch(text) is not None and int(text[10]) == check_digit(text[2:10])


def check_digit(digits: str) -> int:
    """Of eight digits."""
    left = 11 - sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11
    return {10: 0, 11: 5}.get(left, left)
