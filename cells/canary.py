"""Are these the keys that the cell's data was sealed with? The database has something that only they open: a canary.

    a new database            one is made
    one from before           one is made, once the region's key has opened a data key that is there
    at each start             it has to open: by a sealing key of the key file, by its lookup key, by the region's key
    rotate-keys --wrapping    it is made anew as soon as a new key wraps, so that a copy of the key file from before is noticed;
                --sealing     so it is when a new key seals

A key file that was made anew calls its keys as the lost one did. Without a canary the cell would start with it: nobody
could sign in, and what is new would be sealed under keys that nobody has a backup of.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Coroutine
from typing import Any

from actors.clock import SystemClock
from actors.runtime.errors import StoreUnavailable
from actors.storage.connections import Where
from actors.storage.key_canary import Canary, keep_canary, kept_canary, some_data_keys
from cells.errors import CellError, KeyFileRefused
from cells.paths import KEYRING, CellPaths
from cells.region_key import key_port
from cells.settings import RegionConfig
from serve.identity.key_file import KeyringError
from serve.identity.keyring import Keyring, KeyringWatch, load
from serve.identity.sealing import Unsealable, name_digest, seal, unseal
from serve.keys.data_keys import place_of_key
from serve.keys.opening import KeyPortError, opened
from serve.keys.port import KeyUnavailable, KeyUnusable, RegionKey

# As long as a data key, since that is what ports wrap.
_PLAIN = b"ocefs: the keys of this cell are"
# Any of these that opens is enough: one may be damaged.
_TRIED_MAX = 20
log = logging.getLogger("ocefs.keeper")


def check_canary(config: RegionConfig, owner: Where, paths: CellPaths) -> None:
    """Of a cell that seals anything. Raises KeyFileRefused when the keys are not those that its data was sealed with,
    CellError when that can't be seen.

    `keys.given-up` is to be taken away when what this writes is kept.
    """
    _run(config, _checked(config, owner, paths))


def renew_canary(config: RegionConfig, owner: Where, paths: CellPaths) -> None:
    """By the keys of this moment, after a rotation. Raises CellError."""
    _run(config, _renewed(config, owner, paths))


def _run(config: RegionConfig, work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except KeyPortError as error:
        raise CellError(f"{config.name}: {error.problem}", error.next_step) from None
    except KeyringError as error:
        raise KeyFileRefused(
            f"{config.name}: {error.problem}", error.next_step, f"keyring.{error.code}", KEYRING
        ) from None
    except KeyUnavailable as away:
        raise CellError(
            f"{config.name}: the region's key does not open what it wrapped before: {away}",
            "it needs its rights on older keys too, see docs/security/keys.md; then try again",
        ) from None
    except StoreUnavailable as away:
        raise CellError(
            f"{config.name}: PostgreSQL does not tell whether these are the cell's keys: {away}",
            "is it up, and are OCEFS_<REGION>_POSTGRES_URL and its owner's as the cell was started with? then try again",
        ) from None


async def _checked(config: RegionConfig, owner: Where, paths: CellPaths) -> None:
    keys, lost = load(paths.keyring), paths.keys_given_up
    async with opened(key_port(config), config.name, KeyringWatch(paths.keyring), SystemClock()) as region_key:
        found = kept_canary(owner)
        if lost.exists():
            keep_canary(owner, await _made(config, keys, region_key), instead=True)
            log.warning("what %s has sealed by other keys was given up: %s was there", config.name, lost)
        elif found is None:
            await _prove(config, owner, paths, region_key)
            keep_canary(owner, await _made(config, keys, region_key))
        # Of two that start at once, one was first.
        found = kept_canary(owner)
        assert found is not None
        await _look(config, found, keys, region_key, paths)


async def _renewed(config: RegionConfig, owner: Where, paths: CellPaths) -> None:
    async with opened(key_port(config), config.name, KeyringWatch(paths.keyring), SystemClock()) as region_key:
        keep_canary(owner, await _made(config, load(paths.keyring), region_key), instead=True)


async def _made(config: RegionConfig, keys: Keyring, region_key: RegionKey) -> Canary:
    wrapped, wrapping = await region_key.wrap(_PLAIN, _place(config))
    return Canary(seal(keys, _PLAIN, _place(config)), _digest(config, keys), wrapping, wrapped)


async def _look(config: RegionConfig, found: Canary, keys: Keyring, region_key: RegionKey, paths: CellPaths) -> None:
    """Raises CellError, KeyUnavailable."""
    try:
        unseal(keys, found.sealed, _place(config))
    except Unsealable:
        raise _others(config, paths, f"{paths.keyring} is not the key file") from None
    if not hmac.compare_digest(_digest(config, keys), found.digest):
        raise _others(config, paths, f"{paths.keyring} is not the key file")
    if not await _opens(region_key, found.wrapped, found.wrapping, _place(config)):
        raise _others(config, paths, f"the region's key does not open {found.wrapping}, and is not the one")


async def _prove(config: RegionConfig, owner: Where, paths: CellPaths, region_key: RegionKey) -> None:
    """Raises CellError when there are data keys and none of them opens, KeyUnavailable."""
    some = some_data_keys(owner, _TRIED_MAX)
    for one in some:
        if await _opens(region_key, one.wrapped, one.wrapping, place_of_key(one.key_id)):
            return
    if some:
        raise _others(config, paths, f"the region's key opens none of {len(some)} data keys, and is not the one")


async def _opens(region_key: RegionKey, wrapped: bytes, wrapping: str, place: str) -> bool:
    try:
        await region_key.unwrap(wrapped, wrapping, place)
    except KeyUnusable:
        return False
    return True


def _others(config: RegionConfig, paths: CellPaths, what: str) -> KeyFileRefused:
    kept = "the cell's key file" if config.keys.port == "file" else "the cell's key file or the key that [keys] names"
    return KeyFileRefused(
        f"{config.name}: {what} that the data in this cell's PostgreSQL was sealed with: nobody could sign in, and it could not be read",
        f"bring {kept} back, as it was last, from its backup; only to give up all accounts and all that is sealed: touch {paths.keys_given_up}",
        "keyring.other", KEYRING if config.keys.port == "file" else "",
    )  # fmt: skip


def _digest(config: RegionConfig, keys: Keyring) -> str:
    return name_digest(keys, "canary", config.name)


def _place(config: RegionConfig) -> str:
    return f"canary:{config.name}"
