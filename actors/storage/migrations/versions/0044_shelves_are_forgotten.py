"""Shelves of collections are forgotten a week after they ended; of those that had ended before, a week from now.

It also keeps releases of before from a cell's data: they don't know what a collection that forgets its shelf writes
(`ForgetShelf`, `ShelfForgotten`), nor that a journal's id has a part of its history (`actors/storage/continuity.py`).

Revision: 0044, after 0043.
"""

from __future__ import annotations

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

# When each ended stands in its state alone: not after now. Over an hour, so that they are not all looked at at once.
_DUE = """
UPDATE collections SET due_at = date_trunc('milliseconds', now() + interval '7 days' + random() * interval '1 hour')
    WHERE closed AND shelf <> '' AND due_at IS NULL
"""


def upgrade() -> None:
    """Sets the times."""
    op.execute(_DUE)
