"""How a code is answered."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """The HTTP status, and the title of the problem."""

    status: int
    title: str
