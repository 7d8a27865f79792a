"""What the role that a cell runs as may do: no more than its work. The schema's owner migrates, and keeps the audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from actors.runtime.errors import StoreUnavailable
from actors.storage.connections import CONNECT_TIMEOUT_S, REFUSALS, driver_url, one_line
from actors.storage.partitions import parts_of

# May be added to and read, never changed.
APPEND_ONLY = ("history", "audit", "audit_seconds")
_LOCK = 0x0CEF8
# The owner's alone; the cell reads them.
KEPT_BY_OWNER = ("audit_anchors", "audit_holds", "audit_drops", "sharding", "key_canary", "identity_off")


def grant(owner_url: str, role: str, *, make: bool = False) -> None:
    """Gives `role` the rights that a cell needs, and takes all others. `make`: the role, if there is none (without a
    password: for a database that only this user reaches). Raises StoreUnavailable: it can't be
    reached, or does not let us."""
    name = sql.Identifier(role)
    with _connected(owner_url) as connection:
        # Starters at once take turns.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        if make and known is None:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE").format(name))
        for statement in (
            "GRANT USAGE ON SCHEMA public TO {role}",
            "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
            "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
        ):
            connection.execute(sql.SQL(statement).format(role=name))
        # Partitions too: whoever may write to one directly would not need the table's rights.
        for part in (*APPEND_ONLY, *parts_of(connection, *APPEND_ONLY)):
            connection.execute(
                sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(sql.Identifier(part), name)
            )
        for table in (*KEPT_BY_OWNER, "alembic_version"):
            connection.execute(
                sql.SQL("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(sql.Identifier(table), name)
            )


def may_alter_audit(url: str) -> bool:
    """Could whoever connects by this URL change lines of the audit? Raises StoreUnavailable."""
    with _connected(url) as connection:
        found = connection.execute(
            "SELECT has_table_privilege('audit', 'UPDATE') OR has_table_privilege('audit', 'DELETE')"
            " OR has_table_privilege('audit_seconds', 'DELETE')"
            " OR pg_has_role((SELECT relowner FROM pg_class WHERE oid = 'audit'::regclass), 'USAGE')"
        ).fetchone()
    return bool(found and found[0])


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        with psycopg.connect(driver_url(url), connect_timeout=CONNECT_TIMEOUT_S) as connection:
            yield connection
    except (*REFUSALS, psycopg.errors.UndefinedObject) as fault:  # the role
        raise StoreUnavailable(one_line(fault)) from None
