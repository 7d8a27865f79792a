"""Shards, history, outbox, and the read models of orders, locations, stock, ledger and SKUs.

Revision: 0001, the first.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE shards (
    shard integer PRIMARY KEY,
    host text NOT NULL,
    epoch bigint NOT NULL,
    watermark bigint NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE history (
    shard integer NOT NULL,
    position bigint NOT NULL,
    line integer NOT NULL,
    at timestamptz NOT NULL,
    version bigint NOT NULL,
    fingerprint bigint NOT NULL,
    digest bigint NOT NULL,
    status smallint NOT NULL,
    provisional boolean NOT NULL,
    kind text NOT NULL,
    entity_id text COLLATE "C" NOT NULL,
    command_id text NOT NULL,
    cause text NOT NULL,
    events json NOT NULL,
    reply bytea NOT NULL,
    answers bytea
) PARTITION BY RANGE (at);
CREATE INDEX history_entity ON history (entity_id, version);
CREATE INDEX history_fingerprint ON history (fingerprint);

CREATE SEQUENCE outbox_number;
CREATE TABLE outbox (
    message_id text COLLATE "C" PRIMARY KEY,
    number bigint NOT NULL,
    shard integer NOT NULL,
    sender_kind text NOT NULL,
    sender_id text NOT NULL,
    message bytea NOT NULL,
    at timestamptz NOT NULL,
    attempts integer NOT NULL,
    parked boolean NOT NULL,
    error text NOT NULL
);
CREATE INDEX outbox_shard ON outbox (shard, number);

CREATE TABLE orders (
    order_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    status text NOT NULL,
    channel text NOT NULL,
    order_ref text NOT NULL,
    customer_ref text COLLATE "C" NOT NULL,
    country text NOT NULL,
    currency text NOT NULL,
    line_count integer NOT NULL,
    units bigint NOT NULL,
    total_minor bigint NOT NULL,
    placed_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    due_at timestamptz,
    state bytea NOT NULL,
    is_open boolean NOT NULL GENERATED ALWAYS AS
        (status <> 'shipped' AND status <> 'delivered' AND status <> 'cancelled') STORED
) WITH (fillfactor = 70);
CREATE INDEX orders_customer ON orders (customer_ref, order_id) WHERE customer_ref <> '';
CREATE INDEX orders_open ON orders (order_id) WHERE is_open;
CREATE INDEX orders_due ON orders (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE locations (
    location_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    type text NOT NULL,
    name text NOT NULL,
    city text NOT NULL,
    country text NOT NULL,
    lat double precision NOT NULL,
    lon double precision NOT NULL,
    timezone text NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE stock (
    location_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    on_hand bigint NOT NULL,
    reserved bigint NOT NULL,
    safety_stock bigint NOT NULL,
    PRIMARY KEY (location_id, sku)
) WITH (fillfactor = 70);

CREATE TABLE ledger (
    location_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    line integer NOT NULL,
    at timestamptz NOT NULL,
    sku text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    quantity bigint NOT NULL,
    on_hand_delta bigint NOT NULL,
    reserved_delta bigint NOT NULL,
    on_hand bigint NOT NULL,
    reserved bigint NOT NULL,
    cause text NOT NULL,
    reference text NOT NULL,
    value_minor bigint,
    currency text
) PARTITION BY RANGE (at);
CREATE INDEX ledger_location ON ledger (location_id, version, line);
CREATE INDEX ledger_sku ON ledger (location_id, sku, version, line);

CREATE TABLE skus (
    catalogue_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    description text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (catalogue_id, sku)
);
"""

# Moves the watermarks of shards, at the very end of a drain's transaction: until then a drain holds no lock that the
# next owner of a shard needs. Refuses (OCF01, the stale shards in its detail) when an epoch is not the writer's, and
# (OCF02) when the shard's watermark is no longer what the drain began from: an earlier drain, thought
# lost, committed meanwhile.
_MOVE_WATERMARKS = """
CREATE FUNCTION move_watermarks(numbers integer[], epochs bigint[], befores bigint[], afters bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    stale integer[];
    overtaken integer;
BEGIN
    PERFORM 1 FROM shards WHERE shard = ANY (numbers) ORDER BY shard FOR UPDATE;
    SELECT array_agg(m.number) FILTER (WHERE s.epoch IS DISTINCT FROM m.epoch),
           count(*) FILTER (WHERE s.watermark IS DISTINCT FROM m.was)
      INTO stale, overtaken
      FROM unnest(numbers, epochs, befores) AS m (number, epoch, was) LEFT JOIN shards s ON s.shard = m.number;
    IF stale IS NOT NULL THEN
        RAISE EXCEPTION 'stale epoch' USING ERRCODE = 'OCF01', DETAIL = array_to_string(stale, ',');
    END IF;
    IF overtaken > 0 THEN
        RAISE EXCEPTION 'watermark moved meanwhile' USING ERRCODE = 'OCF02';
    END IF;
    UPDATE shards s SET watermark = m.till
      FROM unnest(numbers, afters) AS m (number, till) WHERE s.shard = m.number AND s.watermark < m.till;
END $$;
"""


def upgrade() -> None:
    """Makes everything."""
    op.execute(_TABLES)
    op.execute(_MOVE_WATERMARKS)
