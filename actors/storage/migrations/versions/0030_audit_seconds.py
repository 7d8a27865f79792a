"""The audit is searched by the seconds in which a machine, an action, an address or a place stands in it, instead of by
four indexes that have each line; that of people and devices stays.
And nobody empties a month of it at once.

Revision: 0030, after 0029.
"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

# As `key_of` in actors/storage/audit_seconds.py. By immutable functions only, so that it becomes a part of the
# statements that use it: `convert_to` is none.
_KEY = """
CREATE FUNCTION audit_key(field text, value text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT ('x' || left(encode(sha256(decode(replace(field || ':' || value, E'\\\\', E'\\\\\\\\'), 'escape')), 'hex'), 16))::bit(64)::bigint $$;
"""

_TABLE = """
CREATE TABLE audit_seconds (
    key bigint NOT NULL,
    second timestamptz NOT NULL
) PARTITION BY RANGE (second);
CREATE INDEX audit_seconds_found ON audit_seconds (key, second);
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_seconds FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit_seconds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# A trigger for whole statements is not handed down to partitions.
_MAKE_MONTH = """
CREATE OR REPLACE FUNCTION make_month(first date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    parent text;
    part text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['history', 'ledger', 'audit', 'audit_seconds'] LOOP
        part := parent || to_char(first, '_YYYY_MM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', part, parent);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, part,
            first::text || ' 00:00:00+00', (first + interval '1 month')::date::text || ' 00:00:00+00');
        IF parent LIKE 'audit%' THEN
            EXECUTE format('CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', part);
        END IF;
    END LOOP;
END $$;
"""

_MONTHS = """
DO $$
DECLARE
    part text;
BEGIN
    FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'audit'::regclass LOOP
        EXECUTE format('CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', part);
        PERFORM make_month(to_date(right(part, 7) || '_01', 'YYYY_MM_DD'));
    END LOOP;
END $$;
"""

_FILL = """
INSERT INTO audit_seconds (key, second)
SELECT DISTINCT audit_key(said.field, said.value), said_at
FROM (SELECT DISTINCT date_trunc('second', at) AS said_at, subject, address, action, location_id FROM audit) AS line CROSS JOIN LATERAL (
    VALUES ('subject', CASE WHEN strpos(subject, '-client-') > 0 THEN subject ELSE '' END), ('address', address), ('action', action), ('noun', split_part(action, '.', 1)), ('location', location_id)
) AS said (field, value)
WHERE said.value <> '';
DROP INDEX audit_subject, audit_action, audit_address, audit_location;
CREATE INDEX audit_subject ON audit (subject, at) WHERE subject <> '' AND strpos(subject, '-client-') = 0;
"""


def upgrade() -> None:
    """Makes the table, fills it from the lines that are there, and drops what it replaces."""
    for statement in (_KEY, _TABLE, _MAKE_MONTH, _MONTHS, _FILL):
        op.execute(statement)
