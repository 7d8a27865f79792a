"""One-time codes: made here, sent by a notice, and kept as a digest by the entity that judges them."""

from __future__ import annotations

import secrets
from typing import Annotated

from msgspec import Meta

from serve.limits import END

CODE_DIGITS = 8
# Blanks and dashes are for the eye.
CodeText = Annotated[
    str, Meta(min_length=CODE_DIGITS, max_length=16, pattern=r"^[0-9 -]*" + END, examples=["1234 5678"])
]


def new_code() -> str:
    """Eight digits: with the tries that there are, one in twenty million is guessed."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def plain(code: str) -> str:
    """The digits of a code as somebody typed it."""
    return code.replace(" ", "").replace("-", "")
