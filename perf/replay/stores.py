"""Where a cell's Postgres is: the environment says it, or the state file of a cell that runs on this machine. And what
references are called there when the cell seals them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from cells.paths import CellPaths
from serve.identity.keyring import load
from serve.identity.sealing import name_digest


class PostgresUnknown(Exception):
    """Neither the environment nor a running cell's state file names the Postgres; the message says what to set."""


class _State(msgspec.Struct):
    addresses: dict[str, str] = {}


def postgres_url(region: str, environment: Mapping[str, str], home: Path) -> str:
    """A libpq address of the region's Postgres. `home` is OCEFS_HOME. Raises PostgresUnknown."""
    name = f"OCEFS_{region.upper()}_POSTGRES_URL"
    state_file = home / region / "run" / "state.json"
    url = environment.get(name, "")
    if not url:
        try:
            url = msgspec.json.decode(state_file.read_bytes(), type=_State).addresses.get("PostgreSQL", "")
        except (OSError, ValueError) as error:
            # ValueError: what msgspec raises, bytes that are no UTF-8 among it.
            raise PostgresUnknown(f"set {name}, or start the cell ({state_file}: {error})") from error
    if not url:
        raise PostgresUnknown(f"set {name}: {state_file} names no PostgreSQL")
    scheme, separator, rest = url.partition("://")
    # SQLAlchemy's addresses name the driver behind a plus sign; libpq does not know that.
    return f"{scheme.partition('+')[0]}{separator}{rest}"


def sealed_name(region: str, home: Path) -> Callable[[str], str] | None:
    """Gives the keyed digest of an order's reference; None where the cell's key file is not at hand: it seals nothing,
    or is elsewhere. Raises KeyringError where it is there and can't be used."""
    keyring = CellPaths(region, home).keyring
    if not keyring.exists():
        return None
    keys = load(keyring)
    return lambda reference: name_digest(keys, "order_ref", reference)
