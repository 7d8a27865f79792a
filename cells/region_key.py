"""The port to the region's key, from its config, tried before anything of the cell starts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from actors.clock import SystemClock
from cells.errors import CellError
from cells.settings import RegionConfig
from serve.identity.keyring import KeyringWatch
from serve.keys.opening import KeyPortError, opened
from serve.keys.settings import KeyPort


def key_port(config: RegionConfig) -> KeyPort:
    """What a replica has to know of it."""
    return msgspec.convert(config.keys, KeyPort, from_attributes=True)


def check_region_key(config: RegionConfig, keyring: Path) -> None:
    """Wraps and opens a probe, in a cell that seals anything. Raises CellError."""
    if config.identity.mode != "required":
        return

    async def tried() -> None:
        async with opened(key_port(config), config.name, KeyringWatch(keyring), SystemClock()):
            pass

    try:
        asyncio.run(tried())
    except KeyPortError as error:
        raise CellError(f"{config.name}: {error.problem}", error.next_step) from None
