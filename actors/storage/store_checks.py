"""Whether a store that somebody else runs may be a cell's: asked as the cell will ask, before
anything is started on it.

No text of an error holds a password: the drivers show pieces of an address that they can't read, so
theirs are not passed on then.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from redis.exceptions import RedisError

from actors.runtime.errors import StoreUnavailable
from actors.storage.connections import driver_url, engine_url, one_line, role_of, session_options
from actors.storage.redis_journal import JournalUnsafe, RedisJournal

TIMEOUT_S = 3
_REDIS_SCHEMES = ("redis://", "rediss://", "unix://")


class StoreUnfit(Exception):
    """This store answers, but is none that a cell can be kept in."""


def check_postgres(url: str, versions: range) -> None:
    """Signs in and asks for the version.

    Args:
        url: `postgresql://` (or `postgres://`, `postgresql+psycopg://`).
        versions: the major versions that will do.

    Raises ValueError: no such address. Raises StoreUnavailable: nobody answers, or it refuses the role, its password or
    the database. Raises StoreUnfit: another version.
    """
    address = driver_url(url)
    try:
        # Both read it, reads by SQLAlchemy, the write-behind by libpq, and differ about a password with a / in it.
        user, told = sa.make_url(engine_url(url)).username, conninfo_to_dict(address)
    except (sa.exc.ArgumentError, ValueError, psycopg.ProgrammingError):
        address = ""
    # Of several @ the first one ends the password, for both: what follows of it is taken for the host, and
    # named when that is not found.
    if (
        not address.startswith("postgresql://")
        or user not in (None, told.get("user"))
        or address.partition("?")[0].count("@") > 1
    ):
        raise ValueError("it is no address of PostgreSQL")
    try:
        with psycopg.connect(
            address, connect_timeout=TIMEOUT_S, options=session_options(TIMEOUT_S), autocommit=True
        ) as connection:
            found = connection.execute("SELECT current_setting('server_version_num')::int / 10000").fetchone()
    except psycopg.Error as fault:
        raise StoreUnavailable(one_line(fault)) from None
    version = found[0] if found else None
    if version not in versions:
        raise StoreUnfit(f"it is PostgreSQL {version}, must be {versions[0]} to {versions[-1]}")


def check_postgres_role(url: str, versions: range, owner_url: str, made: str) -> None:
    """The same, beside an owner, who makes the role `made` when the cell is deployed: as that one nobody asks before it
    is there. Raises as `check_postgres`."""
    if role_of(url) != made or _has_role(owner_url, made):
        check_postgres(url, versions)


def _has_role(owner_url: str, role: str) -> bool:
    try:
        with psycopg.connect(
            driver_url(owner_url), connect_timeout=TIMEOUT_S, options=session_options(TIMEOUT_S)
        ) as owner:
            return owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None
    except psycopg.Error as fault:
        raise StoreUnavailable(one_line(fault)) from None


async def check_redis(url: str) -> None:
    """Signs in and looks at what the journal relies on; a managed Redis may hide it.

    Args:
        url: `redis://`, `rediss://` or `unix://`.

    Raises ValueError: no such address. Raises JournalUnavailable: nobody answers, or it refuses the password. Raises
    StoreUnfit: it is too old, or would forget what it acknowledged.
    """
    # What stands before the @ may be a password with a / # or ? in it, of which the driver would take a
    # part for the host or the port.
    if not url.startswith(_REDIS_SCHEMES) or _is_torn(url):
        raise ValueError("it is no address of Redis")
    try:
        journal = RedisJournal(url, "", timeout_s=TIMEOUT_S, ours=False)
    except (ValueError, TypeError, RedisError):  # of a port, of what stands behind the ?
        raise ValueError("it is no address of Redis") from None
    try:
        await journal.verify()
    except JournalUnsafe as fault:
        raise StoreUnfit(str(fault)) from None
    finally:
        await journal.close()


def _is_torn(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return "@" in url and ("@" not in parts.netloc or "@" in parts.path)
    except ValueError:
        return True
