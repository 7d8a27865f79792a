"""Keeps releases of before from a cell's data: they don't know that a collection forgets its shelf (`ForgetShelf`,
`ShelfForgotten`), nor that a journal's id has a part of its history (`actors/storage/continuity.py`).

Revision: 0044, after 0043.
"""

from __future__ import annotations

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Changes no table."""
