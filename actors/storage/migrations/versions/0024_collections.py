"""Orders that wait at a store for their customers.

Revision: 0024, after 0023.
"""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE collections (
    collection_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    status text NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    location_id text COLLATE "C" NOT NULL,
    line_count integer NOT NULL,
    units bigint NOT NULL,
    shelf text NOT NULL,
    opened_at timestamptz NOT NULL,
    here_at timestamptz,
    ready_at timestamptz,
    collect_by timestamptz,
    closed boolean NOT NULL,
    due_at timestamptz,
    state bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX collections_open ON collections (location_id, collection_id) WHERE NOT closed;
CREATE INDEX collections_location ON collections (location_id, collection_id);
CREATE INDEX collections_due ON collections (due_at) WHERE due_at IS NOT NULL;
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(_TABLES)
