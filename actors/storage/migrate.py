"""Brings a database to the present schema: `python -m actors.storage.migrate <url>`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from actors.runtime.errors import RuntimeFault, StoreUnavailable
from actors.storage.connections import CONNECT_TIMEOUT_S, REFUSALS, Where, engine_url, one_line

# Any number, the same for ever: whoever migrates holds this advisory lock.
_MIGRATION_LOCK = 0x0CEF5
# What to do about LaterSchema.
LATER_NEXT = "start that release, or restore the backup from before it (deploy/releases.md)"


class LaterSchema(RuntimeFault):
    """A later release has changed the schema; this one does not know how, and left it as it is."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(f"the database was made by a later release (revision {found}; this one knows {known} at most)")


def migrate(url: str, check: Callable[[Where], None] | None = None) -> None:
    """Runs the missing steps, all in one transaction, and makes the partitions of this month and the next.

    `check` sees the database as it then is, within that transaction: whatever it raises leaves all as it was, so that
    the release from before can go on. It may write there, and neither commits nor closes the connection.

    Two starters at once take turns; the second finds nothing to do. Raises StoreUnavailable when the database can't be
    reached, or refuses the change: its role may not make tables, or it is a standby; LaterSchema when it is of a later
    release.
    """
    from actors.storage.partitions import ensure_partitions_now

    engine = sa.create_engine(
        engine_url(url), poolclass=sa.NullPool, connect_args={"connect_timeout": CONNECT_TIMEOUT_S}
    )
    try:
        with engine.connect() as connection, connection.begin():
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            config = alembic_config(connection)
            _check_known(connection, ScriptDirectory.from_config(config))
            command.upgrade(config, "head")
            ensure_partitions_now(connection)
            if check is not None:
                driver = connection.connection.driver_connection
                assert isinstance(driver, psycopg.Connection)
                check(driver)
    except sa.exc.DBAPIError as fault:
        if isinstance(fault.orig, REFUSALS):
            raise StoreUnavailable(one_line(fault.orig)) from fault
        raise
    finally:
        engine.dispose()


def _check_known(connection: sa.Connection, steps: ScriptDirectory) -> None:
    """Raises LaterSchema."""
    known = {step.revision for step in steps.walk_revisions()}
    for found in MigrationContext.configure(connection).get_current_heads():
        if found not in known:
            raise LaterSchema(found, steps.get_current_head() or "none")


def alembic_config(connection: sa.Connection | None = None) -> Config:
    """Alembic's settings; `connection` is what the steps run on."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def main(arguments: list[str]) -> int:
    """The command line; gives the exit code."""
    if len(arguments) != 1:
        print("usage: python -m actors.storage.migrate <postgresql URL>", file=sys.stderr)
        return 2
    try:
        migrate(arguments[0])
    except StoreUnavailable as fault:
        print(f"The database can't be reached or refused the change: {fault}", file=sys.stderr)
        return 1
    except LaterSchema as fault:
        print(f"Nothing was changed: {fault}\n  Next: {LATER_NEXT}", file=sys.stderr)
        return 1
    print("The schema is up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
