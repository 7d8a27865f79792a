"""Machines' routine steps are found by their order's turns in the history, instead of by an index that
has each of them once more.

Revision: 0037, after 0036.
"""

from __future__ import annotations

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_PLAIN = """role = '' AND outcome = '' AND changes = '' AND action = ANY (ARRAY[
    'order.place', 'order.start_picking', 'order.pause_picking', 'order.pack', 'order.ship', 'order.deliver', 'order.allocate'
])"""

# Those whose shard's chain was later already than their turn.
MOVED = f"""
INSERT INTO audit_seconds (key, second)
SELECT DISTINCT audit_key('entity', entity_id), date_trunc('second', at) FROM audit line WHERE {_PLAIN} AND NOT EXISTS (
    SELECT FROM history turn WHERE turn.entity_id = line.entity_id AND turn.at = line.at AND turn.shard = line.shard
)
"""  # noqa: S608 -- of constants


def upgrade() -> None:
    """Drops the index of all lines by their entity for one of all others. Reads the whole audit once, and of
    the history what it names."""
    op.execute(MOVED)
    op.execute("DROP INDEX audit_entity")
    op.execute(f"CREATE INDEX audit_entity ON audit (entity_id, at) WHERE NOT ({_PLAIN})")
