"""Opens the port that a region's key is behind, and proves before anything is served that it wraps and opens: a cell
without its key refuses to start, so that a missing key never comes to mean writing in the clear.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from actors.runtime.ports import Clock
from serve.identity.keyring import KeyringWatch
from serve.keys.file_key import FileKey
from serve.keys.moved import Moved
from serve.keys.port import KeyUnavailable, KeyUnusable, RegionKey
from serve.keys.remote_key import KeyRefused, RemoteKey
from serve.keys.settings import KeyPort

PROVE_S = 15.0
_PAUSE_S = 0.5
_PROBE_BYTES = 32


class KeyPortError(Exception):
    """The region's key can't be used. Says what is wrong, and what to do about it."""

    def __init__(self, problem: str, next_step: str) -> None:
        super().__init__(f"{problem}\n  Next: {next_step}")
        self.problem = problem
        self.next_step = next_step


@asynccontextmanager
async def opened(told: KeyPort, region: str, watch: KeyringWatch, clock: Clock) -> AsyncIterator[RegionKey]:
    """The region's key, proved; closed at the end. Raises KeyPortError within PROVE_S."""
    before = FileKey(watch, clock)
    if told.port == "file":
        await prove(before)
        yield before
        return
    remote = _remote(told, region, clock)
    try:
        key = Moved(remote, before)
        await prove(key)
        yield key
    finally:
        await remote.close()


async def prove(key: RegionKey) -> None:
    """Wraps a probe and opens it; one for another place must not open. What may pass is tried again for
    PROVE_S. Raises KeyPortError."""
    why = "nobody answers"
    try:
        async with asyncio.timeout(PROVE_S):
            while True:
                try:
                    await key.learn()
                    return await _probed(key)
                except KeyRefused as refused:
                    raise KeyPortError(
                        str(refused), "correct [keys] in the region's config, or the rights over there"
                    ) from None
                except KeyUnavailable as away:
                    why = str(away)
                    await asyncio.sleep(_PAUSE_S)
    except TimeoutError:
        raise KeyPortError(
            f"the region's key could not be used within {PROVE_S:.0f} s: {why}",
            "bring its service back, then start the cell again",
        ) from None


async def _probed(key: RegionKey) -> None:
    """Raises KeyPortError, KeyUnavailable."""
    probe = secrets.token_bytes(_PROBE_BYTES)
    wrapped, wrapping = await key.wrap(probe, "probe:here")
    if probe in wrapped:
        raise KeyPortError("the region's key does not encrypt", "see who answers at the address in [keys]")
    try:
        same = hmac.compare_digest(await key.unwrap(wrapped, wrapping, "probe:here"), probe)
    except KeyUnusable as fault:
        raise KeyPortError(
            f"the region's key does not open what it wrapped: {fault}", "see docs/security/keys.md"
        ) from None
    if not same:
        raise KeyPortError(
            "the region's key opens something else than it wrapped", "see who answers at the address in [keys]"
        )
    try:
        await key.unwrap(wrapped, wrapping, "probe:elsewhere")
    except KeyUnusable:
        return
    raise KeyPortError(
        "the region's key does not authenticate the place of what it wraps",
        "take a newer Vault: older ones ignore associated_data",
    )


def _remote(told: KeyPort, region: str, clock: Clock) -> RemoteKey:
    """Raises KeyPortError."""
    extra = "aws" if told.port == "aws-kms" else "vault"
    try:
        # The libraries are in extras: only now.
        if told.port == "aws-kms":
            from serve.keys.aws_kms import AwsKms

            return AwsKms(told, clock)
        from serve.keys.vault_token import VaultToken
        from serve.keys.vault_transit import VaultTransit

        return VaultTransit(told, VaultToken(told.token_file, token_variable(region)), clock)
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        raise KeyPortError(
            f'keys.port is "{told.port}", and the package {package} is not installed', f"install ocefs[{extra}]"
        ) from None
    except KeyRefused as refused:
        raise KeyPortError(str(refused), "correct [keys] in the region's config") from None


def token_variable(region: str) -> str:
    """Of the environment: the token of a region's Vault."""
    return f"OCEFS_{region.upper()}_VAULT_TOKEN"
