"""A cell's two stores: embedded ones by default, or those of the environment.

`OCEFS_<REGION>_POSTGRES_URL` and `OCEFS_<REGION>_REDIS_URL` name stores that somebody else runs; the keeper then
only looks whether they can be reached. `OCEFS_<REGION>_POSTGRES_OWNER_URL` is for migrations and the keeping of the audit; without it
the cell's own role does that, and could change the audit, which a production cell refuses.
"""

import os
import socket
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, urlsplit, urlunsplit

from cells.errors import StoreFailed
from cells.paths import CellPaths
from cells.postgres import EmbeddedPostgres, postgres_binaries
from cells.processes import ProcessMark
from cells.redis import EmbeddedRedis, redis_binary
from cells.settings import RegionConfig, StoreAddresses
from cells.tls import check_postgres_url, check_redis_url


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
    """A store that somebody else runs: never started, stopped or watched by us."""

    mark = None

    def __init__(self, name: str, url: str, variable: str, default_port: int) -> None:
        self.name = name
        self.url = url
        self._variable = variable
        self._default_port = default_port

    def start(self) -> str:
        """See that somebody listens there. Raises `StoreFailed` if not."""
        parts = urlsplit(self.url)
        folder = parse_qs(parts.query).get("host", [""])[0]
        try:
            if parts.scheme == "unix" or folder:
                path = Path(parts.path) if parts.scheme == "unix" else Path(folder) / f".s.PGSQL.{parts.port or 5432}"
                with socket.socket(socket.AF_UNIX) as client:
                    client.settimeout(3)
                    client.connect(str(path))
            else:
                address = (parts.hostname or "localhost", parts.port or self._default_port)
                socket.create_connection(address, timeout=3).close()
        except (OSError, ValueError) as error:
            raise StoreFailed(
                f"{self.name} at {without_password(self.url)} (from {self._variable}) can't be reached: {error}",
                f"start it, correct {self._variable}, or unset it to have an embedded one",
            ) from None
        return self.url

    def stop(self) -> None:
        """Nothing: it isn't ours."""

    def exited(self) -> bool:
        """Never: whether it lives is seen by those who use it."""
        return False


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}{port}"))


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
        postgres = OutsideStore("PostgreSQL", url, variable, 5432)
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
        redis = OutsideStore("Redis", url, variable, 6379)
    else:
        redis = EmbeddedRedis(
            paths.redis,
            paths.redis_socket,
            binary=redis_binary(config.redis.bin),
            log=paths.logs / "redis.log",
            memory_mb=config.redis.memory_mb,
            run=run,
        )
    return postgres, redis


def store_addresses(config: RegionConfig, paths: CellPaths) -> StoreAddresses:
    """Where the cell's stores answer, or will once they are started."""
    postgres, redis = stores(config, paths)
    if isinstance(postgres, EmbeddedPostgres):
        return StoreAddresses(postgres_url=postgres.cell_url, owner_url=postgres.url, redis_url=redis.url)
    variable = f"OCEFS_{config.name.upper()}_POSTGRES_OWNER_URL"
    owner_url = os.environ.get(variable, postgres.url)
    if config.encrypted:
        check_postgres_url(owner_url, variable)
    return StoreAddresses(postgres_url=postgres.url, owner_url=owner_url, redis_url=redis.url)
