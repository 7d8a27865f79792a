"""Addresses, limits of time, and faults of PostgreSQL, for everything here that talks to it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from actors.runtime.errors import StoreUnavailable

CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_S = 5.0
# A session that was left inside a transaction (its process is paused) is ended by the server after this long.
IDLE_IN_TRANSACTION_S = 5.0
POOL_SIZE = 4
# What PostgreSQL refuses to a role that may not, or as a standby, and that it can't be reached:
# all for its operator to mend.
REFUSALS = (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
# Where a start looks: an address, or the connection on which the schema is being changed, so that
# what is refused leaves it as it was.
Where = str | psycopg.Connection
_T = TypeVar("_T")
# Calls that were given up but are still being cancelled: a task that nobody refers to may be collected half-way.
_given_up: set[asyncio.Future[Any]] = set()


def driver_url(url: str) -> str:
    """The URL as libpq and psycopg want it: `postgresql://…`, without SQLAlchemy's driver name."""
    for known in ("postgresql+psycopg://", "postgres://"):
        if url.startswith(known):
            return "postgresql://" + url.removeprefix(known)
    return url


def engine_url(url: str) -> str:
    """The URL as SQLAlchemy wants it for psycopg 3."""
    return "postgresql+psycopg://" + driver_url(url).removeprefix("postgresql://")


def one_line(fault: BaseException | None) -> str:
    """What a driver says, which may be several lines."""
    return " ".join(str(fault).split())


@contextmanager
def looking(where: Where) -> Iterator[psycopg.Connection]:
    """A connection to an address, what is done there kept at the end; or the given one, whose owner decides of that.
    Raises StoreUnavailable for whatever PostgreSQL does not answer."""
    try:
        if isinstance(where, psycopg.Connection):
            yield where
        else:
            with psycopg.connect(driver_url(where), connect_timeout=CONNECT_TIMEOUT_S) as connection:
                yield connection
    except psycopg.Error as fault:
        raise StoreUnavailable(str(fault).strip()) from None


def role_of(url: str) -> str:
    """The role that an address names, "" for none, and of what is no address."""
    try:
        return str(conninfo_to_dict(driver_url(url)).get("user", ""))
    except psycopg.ProgrammingError:
        return ""


def session_options(statement_timeout_s: float, **more: str) -> str:
    """The libpq `options` of a session: limits of time, and what is given."""
    settings = {
        "statement_timeout": str(int(statement_timeout_s * 1000)),
        "idle_in_transaction_session_timeout": str(int(IDLE_IN_TRANSACTION_S * 1000)),
        "timezone": "UTC",
        **more,
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def new_engine(url: str, statement_timeout_s: float = STATEMENT_TIMEOUT_S, pool_size: int = POOL_SIZE) -> AsyncEngine:
    """A small bounded pool; a connection that broke is replaced when it is next wanted."""
    return create_async_engine(
        engine_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=statement_timeout_s,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "ocefs",
            "options": session_options(statement_timeout_s),
        },
    )


def _is_away(fault: BaseException | None) -> bool:
    """Does the fault say that the server can't do it now, rather than that we asked for nonsense?"""
    return isinstance(
        fault,
        OSError  # TimeoutError too
        | psycopg.OperationalError  # connection, shutdown, timeout, deadlock, disk full
        | psycopg.InterfaceError  # the connection is closed
        | psycopg.errors.ReadOnlySqlTransaction  # a standby that was not promoted yet
        | psycopg.errors.UniqueViolation  # another writer was faster: it is fenced, or we are, at the next try
        | sa.exc.TimeoutError,  # the pool is in use
    )


async def bounded(work: Coroutine[Any, Any, _T], limit_s: float) -> _T:
    """Awaits `work`, at most `limit_s`. Raises StoreUnavailable for every fault that says that PostgreSQL is away.

    At the limit the work is cancelled but not waited for: the driver would wait for a frozen server.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=limit_s)
    except asyncio.CancelledError:
        _give_up(task)
        raise
    if not done:
        _give_up(task)
        raise StoreUnavailable(f"PostgreSQL did not answer within {limit_s} s")
    try:
        return task.result()
    except sa.exc.DBAPIError as fault:
        if fault.connection_invalidated or _is_away(fault.orig):
            raise StoreUnavailable(f"PostgreSQL: {fault.orig}") from fault
        raise
    except (OSError, psycopg.Error, sa.exc.TimeoutError) as fault:
        if _is_away(fault):
            raise StoreUnavailable(f"PostgreSQL: {fault}") from fault
        raise


def _give_up(task: asyncio.Future[Any]) -> None:
    _given_up.add(task)
    task.add_done_callback(_forget)
    task.cancel()


def _forget(task: asyncio.Future[Any]) -> None:
    _given_up.discard(task)
    if not task.cancelled():
        task.exception()  # read, so that the loop does not report it: its caller was told already
