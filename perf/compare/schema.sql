-- One schema for all comparison systems, so that each writes the same rows for the same work.
-- fillfactor leaves room for heap-only updates: without it the comparisons would be slower than they need to be.
DROP SCHEMA IF EXISTS compare CASCADE;
CREATE SCHEMA compare;
SET search_path TO compare;

CREATE TABLE transition (
    from_status text NOT NULL,
    update_name text NOT NULL,
    to_status   text NOT NULL,
    PRIMARY KEY (from_status, update_name)
);

CREATE TABLE orders (
    order_id     text PRIMARY KEY,
    version      integer NOT NULL,
    status       text NOT NULL,
    channel      text NOT NULL,
    order_ref    text NOT NULL,
    customer_ref text NOT NULL,
    country      text NOT NULL,
    currency     text NOT NULL,
    total_minor  bigint NOT NULL,
    placed_at    timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 60);

CREATE TABLE order_lines (
    order_id   text NOT NULL,
    line       integer NOT NULL,
    sku        text NOT NULL,
    quantity   integer NOT NULL,
    unit_minor bigint NOT NULL,
    PRIMARY KEY (order_id, line)
);

CREATE TABLE fulfilments (
    fulfilment_id text NOT NULL,
    order_id      text NOT NULL,
    location_id   text NOT NULL,
    sku           text NOT NULL,
    quantity      integer NOT NULL,
    PRIMARY KEY (order_id, fulfilment_id, sku)
);

CREATE TABLE history (
    order_id text NOT NULL,
    version  integer NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    event    text NOT NULL,
    cause    text NOT NULL,
    PRIMARY KEY (order_id, version)
);

-- The idempotency keys: the primary key is what makes a repeated command harmless even between two workers.
CREATE TABLE commands (
    command_id  text PRIMARY KEY,
    fingerprint bigint NOT NULL,
    order_id    text NOT NULL,
    version     integer NOT NULL,
    status      text NOT NULL,
    reply       text,
    at          timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE locations (
    location_id text PRIMARY KEY,
    lat         double precision NOT NULL,
    lon         double precision NOT NULL
);

CREATE TABLE stock (
    sku         text NOT NULL,
    location_id text NOT NULL,
    on_hand     integer NOT NULL,
    reserved    integer NOT NULL DEFAULT 0,
    PRIMARY KEY (sku, location_id)
) WITH (fillfactor = 30);

CREATE TABLE ledger (
    entry          bigint GENERATED ALWAYS AS IDENTITY,
    location_id    text NOT NULL,
    sku            text NOT NULL,
    at             timestamptz NOT NULL DEFAULT now(),
    reason         text NOT NULL,
    reserved_delta integer NOT NULL,
    cause          text NOT NULL
);
