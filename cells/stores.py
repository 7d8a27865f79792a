"""A cell's two stores: embedded ones by default, or those of the environment.

`OCEFS_<REGION>_POSTGRES_URL` and `OCEFS_<REGION>_REDIS_URL` name stores that somebody else runs; the keeper then
only asks whether a cell can be kept in them, before anything else is started. `OCEFS_<REGION>_POSTGRES_OWNER_URL` is
for migrations and the keeping of the audit; without it the cell's own role does that, and could change the audit, which
a production cell refuses.
"""

import asyncio
import os
import re
import shlex
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit, urlunsplit

from cells.errors import StepFailed, StoreFailed
from cells.paths import CellPaths
from cells.postgres import CELL_USER, VERSIONS, EmbeddedPostgres, postgres_binaries
from cells.processes import ProcessMark
from cells.redis import EmbeddedRedis
from cells.redis_binary import redis_binary
from cells.settings import RegionConfig, StoreAddresses
from cells.state import read_state
from cells.tls import check_postgres_url, check_redis_url

_UNREADABLE = "an address that can't be read"
Check = Callable[[str], None]


class Asked(NamedTuple):
    """An address that is asked whether a cell can be kept there, the variable that names it, and
    what one can do without it."""

    variable: str
    url: str
    check: Check
    instead: str


class Store(Protocol):
    """What the keeper needs of a store."""

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def mark(self) -> ProcessMark | None: ...
    def start(self) -> str: ...
    def stop(self) -> None: ...
    def exited(self) -> bool: ...


class OutsideStore:
    """A store that somebody else runs: never started, stopped or watched by us.

    Args:
        name: of the store, for people.
        url: its address.
        variable: of the environment, which names it.
        check: asks an address whether a cell can be kept there.
        form: what such an address looks like.
        before: what is asked before it.
    """

    mark = None

    def __init__(
        self, name: str, url: str, variable: str, check: Check, form: str, before: tuple[Asked, ...] = ()
    ) -> None:  # fmt: skip
        self.name = name
        self.url = url
        self.variable = variable
        self._form = form
        self._asked = (*before, Asked(variable, url, check, f"unset {variable} to have an embedded one"))

    def start(self) -> str:
        """Ask it whether a cell can be kept in it. Gives the URL.

        Raises:
            StoreFailed: it can't be reached, refuses us, or will not do.
        """
        for asked in self._asked:
            self._ask(asked)
        return self.url

    def _ask(self, asked: Asked) -> None:
        # Late, as in the checks: importing the drivers takes a while, and most commands ask no store.
        from actors.runtime.errors import Unavailable
        from actors.storage.store_checks import StoreUnfit

        variable, url, check, instead = asked
        where = f"{self.name} at {without_password(url)} (from {variable})"
        try:
            check(url)
        except ValueError:
            raise StoreFailed(
                f"{variable} is no address of {self.name} that can be read",
                f"write it as {self._form}, a / in the password as %2F, an @ as %40 and so on; or {instead}",
            ) from None
        except Unavailable as fault:
            raise StoreFailed(
                f"{where} can't be used: {fault}", f"start it, correct {variable}, or {instead}"
            ) from None
        except StoreUnfit as fault:
            raise StoreFailed(
                f"{where} will not do: {fault}", f"change that there, name another one in {variable}, or {instead}"
            ) from None

    def stop(self) -> None:
        """Nothing: it isn't ours."""

    def exited(self) -> bool:
        """Never: whether it lives is seen by those who use it."""
        return False


def _check_postgres(url: str) -> None:
    from actors.storage.store_checks import check_postgres

    check_postgres(url, VERSIONS)


def _check_beside(owner_url: str) -> Check:
    """Of the cell's role, which the owner may have to make when the cell is deployed."""

    def check(url: str) -> None:
        from actors.storage.store_checks import check_postgres_role

        check_postgres_role(url, VERSIONS, owner_url, CELL_USER)

    return check


def _check_redis(url: str) -> None:
    from actors.storage.store_checks import check_redis

    asyncio.run(check_redis(url))


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return _UNREADABLE
    before = url.partition("?")[0]
    if "@" in url and ("@" not in parts.netloc or before.count("@") > 1):
        return _UNREADABLE  # a / or an @ or the like in its password: nobody can tell where that ends
    if parts.password is not None:
        url = urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{parts.hostname or ''}{port}"))
    return re.sub(r"(?<=password=)[^&#]+", "***", url)


def stores(config: RegionConfig, paths: CellPaths, run: str = "") -> tuple[Store, Store]:
    """PostgreSQL and Redis of a cell, not yet started; `run` is the token by which embedded ones are found again.

    Raises CertificateRefused when the cell is to be encrypted, and one of the environment would not be.
    """
    postgres: Store
    redis: Store
    variable = f"OCEFS_{config.name.upper()}_POSTGRES_URL"
    if url := os.environ.get(variable):
        if config.encrypted:
            check_postgres_url(url, variable)
        form = "postgresql://user:password@host:5432/database"
        owner_variable, owner_url = _owner(config, url)
        postgres = (
            OutsideStore("PostgreSQL", url, variable, _check_postgres, form)
            if owner_url == url
            else OutsideStore(
                "PostgreSQL", url, variable, _check_beside(owner_url), form,
                (Asked(owner_variable, owner_url, _check_postgres, f"unset {owner_variable}, and the role of {variable} owns all"),),
            )
        )  # fmt: skip
    else:
        postgres = EmbeddedPostgres(
            paths.postgres,
            paths.postgres_socket,
            binaries=postgres_binaries(config.postgres.bin_dir),
            log=paths.logs / "postgres.log",
            run=run,
        )
    variable = f"OCEFS_{config.name.upper()}_REDIS_URL"
    if url := os.environ.get(variable):
        if config.encrypted:
            check_redis_url(url, variable)
        form = "redis://user:password@host:6379/0, rediss://… or unix:///path/of.sock"
        redis = OutsideStore("Redis", url, variable, _check_redis, form)
    else:
        redis = EmbeddedRedis(
            paths.redis,
            paths.redis_socket,
            binary=redis_binary(config.redis.bin, paths.redis),
            log=paths.logs / "redis.log",
            memory_mb=config.redis.memory_mb,
            run=run,
        )
    return postgres, redis


def check_kept_elsewhere(paths: CellPaths, made: Iterable[Store]) -> None:
    """Raises StepFailed when a store would be an embedded one that was somebody else's at the last start: a shell that
    was not told would begin anew with an empty one, and every order seem gone."""
    state = read_state(paths.state_file)
    for store in made:
        variable = state.outside.get(store.name) if state is not None else None
        if state is not None and variable and not isinstance(store, OutsideStore):
            written = [file for file in (paths.state_file, paths.demo_data, paths.demo_people) if file.exists()]
            raise StepFailed(
                f"{state.region} kept its data in a {store.name} that {variable} named ({state.addresses.get(store.name, 'unknown')}), and it is not set now",
                f"set {variable} as before; or, to begin anew with an embedded one, after make down: rm {shlex.join(map(str, written))}",
            )


def store_addresses(config: RegionConfig, paths: CellPaths) -> StoreAddresses:
    """Where the cell's stores answer, or will once they are started. Raises StepFailed, see `check_kept_elsewhere`."""
    postgres, redis = stores(config, paths)
    check_kept_elsewhere(paths, (postgres, redis))
    if isinstance(postgres, EmbeddedPostgres):
        return StoreAddresses(postgres_url=postgres.cell_url, owner_url=postgres.url, redis_url=redis.url)
    _, owner_url = _owner(config, postgres.url)
    return StoreAddresses(postgres_url=postgres.url, owner_url=owner_url, redis_url=redis.url)


def _owner(config: RegionConfig, url: str) -> tuple[str, str]:
    """The variable that names the schema's owner, and his URL: without it the cell's own, `url`."""
    variable = f"OCEFS_{config.name.upper()}_POSTGRES_OWNER_URL"
    owner_url = os.environ.get(variable) or url
    if config.encrypted:
        check_postgres_url(owner_url, variable)
    return variable, owner_url
