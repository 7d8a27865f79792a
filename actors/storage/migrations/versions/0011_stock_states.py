"""Stock in all its states: reserved, damaged, quality hold, levels, lots, bins, incoming.

Revision: 0011, after 0010. What was called reserved is allocated: it belongs to orders.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_STOCK = """
ALTER TABLE stock RENAME COLUMN reserved TO allocated;
ALTER TABLE stock
    ADD COLUMN reserved bigint NOT NULL DEFAULT 0,
    ADD COLUMN damaged bigint NOT NULL DEFAULT 0,
    ADD COLUMN quality_hold bigint NOT NULL DEFAULT 0,
    ADD COLUMN reorder_point bigint NOT NULL DEFAULT 0,
    ADD COLUMN buffers text NOT NULL DEFAULT '';
CREATE INDEX stock_sku ON stock (sku, location_id);

ALTER TABLE ledger RENAME COLUMN reserved_delta TO allocated_delta;
ALTER TABLE ledger RENAME COLUMN reserved TO allocated;
ALTER TABLE ledger
    ADD COLUMN aside text,
    ADD COLUMN aside_delta bigint,
    ADD COLUMN aside_balance bigint,
    ADD COLUMN lot text,
    ADD COLUMN bin_id text,
    ADD COLUMN bin_delta bigint;
"""
_PARTS = """
CREATE TABLE lots (
    location_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    lot text COLLATE "C" NOT NULL,
    on_hand bigint NOT NULL,
    allocated bigint NOT NULL,
    reserved bigint NOT NULL,
    damaged bigint NOT NULL,
    quality_hold bigint NOT NULL,
    expires_on integer,
    serial boolean NOT NULL,
    told text NOT NULL,
    PRIMARY KEY (location_id, sku, lot)
) WITH (fillfactor = 70);
CREATE INDEX lots_sku ON lots (sku, location_id, lot);

CREATE TABLE lot_claims (
    location_id text COLLATE "C" NOT NULL,
    cause text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    lot text COLLATE "C" NOT NULL,
    units bigint NOT NULL,
    PRIMARY KEY (location_id, cause, sku, lot)
) WITH (fillfactor = 70);

CREATE TABLE bins (
    location_id text COLLATE "C" NOT NULL,
    bin_id text COLLATE "C" NOT NULL,
    zone text NOT NULL,
    aisle integer NOT NULL,
    rack integer NOT NULL,
    level integer NOT NULL,
    x_dm integer NOT NULL,
    y_dm integer NOT NULL,
    use text NOT NULL,
    units_max bigint NOT NULL,
    volume_max_ml bigint NOT NULL,
    temperature text NOT NULL,
    hazard text NOT NULL,
    PRIMARY KEY (location_id, bin_id)
) WITH (fillfactor = 70);

CREATE TABLE bin_contents (
    location_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    bin_id text COLLATE "C" NOT NULL,
    lot text COLLATE "C" NOT NULL,
    units bigint NOT NULL,
    PRIMARY KEY (location_id, sku, bin_id, lot)
) WITH (fillfactor = 70);

CREATE TABLE incoming (
    location_id text COLLATE "C" NOT NULL,
    source_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    source text NOT NULL,
    revision bigint NOT NULL,
    expected_at timestamptz NOT NULL,
    units bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (location_id, source_id, sku)
) WITH (fillfactor = 70);
CREATE INDEX incoming_sku ON incoming (sku, location_id) WHERE sku <> '';
"""


def upgrade() -> None:
    """Renames, adds columns, makes the tables."""
    op.execute(_STOCK)
    op.execute(_PARTS)
