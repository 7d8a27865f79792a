"""The audit: append-only, by month, chained by shard; its anchors, holds and drops.

Revision: 0003, after 0002.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE shards
    ADD COLUMN audit_number bigint NOT NULL DEFAULT 0,
    ADD COLUMN audit_chain bytea NOT NULL DEFAULT '',
    ADD COLUMN audit_at timestamptz NOT NULL DEFAULT '1970-01-01 00:00:00+00';

CREATE TABLE audit (
    shard integer NOT NULL,
    number bigint NOT NULL,
    at timestamptz NOT NULL,
    version bigint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    role text NOT NULL,
    session_id text NOT NULL,
    address text NOT NULL,
    device text NOT NULL,
    behalf text NOT NULL,
    request_id text NOT NULL,
    action text COLLATE "C" NOT NULL,
    outcome text NOT NULL,
    location_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    entity_id text COLLATE "C" NOT NULL,
    why text NOT NULL,
    changes text NOT NULL,
    chain bytea NOT NULL
) PARTITION BY RANGE (at);
CREATE INDEX audit_number ON audit (shard, number);
CREATE INDEX audit_at ON audit (at, shard, number);
CREATE INDEX audit_subject ON audit (subject, at);
CREATE INDEX audit_entity ON audit (entity_id, at);
CREATE INDEX audit_action ON audit (action, at);
CREATE INDEX audit_address ON audit (address, at);
CREATE INDEX audit_location ON audit (location_id, at) WHERE location_id <> '';

CREATE FUNCTION audit_words(action text, outcome text, why text, changes text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT to_tsvector('simple'::regconfig, translate(action || ' ' || outcome || ' ' || why || ' ' || changes, '._-":,{}[]', '          ')) $$;
CREATE INDEX audit_words ON audit USING gin (audit_words(action, outcome, why, changes))
    WHERE outcome <> '' OR why <> '' OR changes <> '';

CREATE TABLE audit_anchors (
    day date NOT NULL,
    shard integer NOT NULL,
    number bigint NOT NULL,
    chain bytea NOT NULL,
    signature text NOT NULL,
    PRIMARY KEY (day, shard)
);

CREATE TABLE audit_holds (
    hold_id text COLLATE "C" PRIMARY KEY,
    reason text NOT NULL,
    placed_at timestamptz NOT NULL,
    lifted_at timestamptz
);

CREATE TABLE audit_drops (
    month date PRIMARY KEY,
    dropped_at timestamptz NOT NULL,
    lines bigint NOT NULL,
    cut json NOT NULL,
    signature text NOT NULL
);
"""

# The owner, too, changes no line by mistake; whoever does it on purpose is found by the chain.
_APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

# With the rights of the owner: the role that writes rows may not make tables, and must not own these.
_MAKE_MONTH = """
CREATE FUNCTION make_month(first date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    parent text;
    part text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['history', 'ledger', 'audit'] LOOP
        part := parent || to_char(first, '_YYYY_MM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', part, parent);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, part,
            first::text || ' 00:00:00+00', (first + interval '1 month')::date::text || ' 00:00:00+00');
    END LOOP;
END $$;
"""

# As the first migration's, and the ends of the audit's chains go with the watermarks: under the
# same lock and the same check.
_MOVE_WATERMARKS = """
CREATE FUNCTION move_watermarks(
    numbers integer[], epochs bigint[], befores bigint[], afters bigint[],
    chained integer[], audit_numbers bigint[], audit_chains bytea[], audit_ats timestamptz[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM move_watermarks(numbers, epochs, befores, afters);
    UPDATE shards s SET audit_number = c.number, audit_chain = c.chain, audit_at = c.at
      FROM unnest(chained, audit_numbers, audit_chains, audit_ats) AS c (shard, number, chain, at)
     WHERE s.shard = c.shard;
END $$;
"""


def upgrade() -> None:
    """Makes it."""
    for statement in (_TABLES, _APPEND_ONLY, _MAKE_MONTH, _MOVE_WATERMARKS):
        op.execute(statement)
