"""A cell's keys, and what may be done with them on this machine: whoever may read the key file may sign a token.

The file is made at the cell's first start and never again: with a new one nobody could sign in any more, and what the
old one sealed could not be read. So a key file that was there once and is gone stops the start; that it is still the
same one, `canary.py` sees.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from actors.domain.ids import account_id
from cells.errors import CellError, KeyFileRefused
from cells.paths import KEYRING, CellPaths
from serve.identity.key_file import KeyringError
from serve.identity.keyring import create, drop_wrapping, load, rotate, rotate_sealing, rotate_wrapping
from serve.identity.sealing import login_digest
from serve.identity.tokens import ACCESS_S, Claims, issue, issuer_of
from serve.permissions import PERMISSIONS

T = TypeVar("T")


def make_keyring(paths: CellPaths) -> Path:
    """The key file, made at the first start. Raises KeyFileRefused when it is gone, or can't be used, CellError."""
    made = _made(paths)
    if not paths.keyring.exists():
        if made.exists():
            raise KeyFileRefused(
                f"the key file {paths.keyring} is gone: nobody could sign in, and what it sealed can't be read",
                f"bring it back from your backup; only to give up all accounts and all that it sealed, remove {made} and touch {paths.keys_given_up}",
                "keyring.missing", KEYRING,
            )  # fmt: skip
        _usable(lambda: create(paths.keyring, _now_ms()))
    if not _usable(lambda: load(paths.keyring)).wrapping_id:
        _usable(lambda: rotate_wrapping(paths.keyring))  # a file from before there were data keys
    made.parent.mkdir(parents=True, exist_ok=True)
    made.touch(mode=0o600)
    return paths.keyring


def had_keyring(paths: CellPaths) -> bool:
    """Whether a cell has run here, which has had one from its first start with identity on; also
    one that is gone by now."""
    return paths.keyring.exists() or _made(paths).exists()


def _made(paths: CellPaths) -> Path:
    """Apart from the keys, so that it outlives their folder."""
    return paths.run / "keyring.made"


def rotate_keys(paths: CellPaths, *, compromised: bool = False) -> str:
    """A new key signs from now on, the old ones verify for a day more; `compromised`: not even for a moment, everybody
    has to sign in again, and a new key seals. Gives the new signing key's id. Raises CellError."""
    return _usable(lambda: rotate(paths.keyring, _now_ms(), keep_old=not compromised))


def new_sealing(paths: CellPaths) -> int:
    """A new key seals from now on; its number. What the older ones sealed opens, but for what somebody has in his hand
    for minutes. Raises CellError."""
    return _usable(lambda: rotate_sealing(paths.keyring))


def new_wrapping(paths: CellPaths) -> int:
    """A new key wraps customers' data keys from now on; its number. Goes on with a rotation that did not come to
    its end. Raises CellError."""
    begun = _usable(lambda: load(paths.keyring)).wrapping_ids
    return begun[0] if len(begun) > 1 else _usable(lambda: rotate_wrapping(paths.keyring))


def wrapping_now(paths: CellPaths) -> int:
    """The number of the key file's key that wraps, or would if no other port did. Raises CellError."""
    return _usable(lambda: load(paths.keyring)).wrapping_id


def drop_old_wrapping(paths: CellPaths, newest: int) -> list[int]:
    """Whatever copy of a data key was wrapped by an older key than `newest` is worth nothing any more. Their numbers.
    Raises CellError, also when `newest` is not the newest any more."""
    return _usable(lambda: drop_wrapping(paths.keyring, newest))


def local_token(
    paths: CellPaths, region: str, scopes: Iterable[str] = tuple(PERMISSIONS), seconds: int = ACCESS_S
) -> str:
    """A token for tools on this machine, for whoever may read the key file. Raises CellError."""
    scopes = tuple(scopes)
    unknown = [scope for scope in scopes if scope not in PERMISSIONS]
    if unknown:
        raise CellError(f"unknown scope: {', '.join(unknown)}", f"scopes are: {', '.join(PERMISSIONS)}")
    if not 1 <= seconds <= ACCESS_S:
        raise CellError(
            f"a token of {seconds} s is not given", f"ask for 1 to {ACCESS_S} seconds, and again when it has ended"
        )
    keys, now_s = _usable(lambda: load(paths.keyring)), _now_ms() // 1000
    claims = Claims(
        iss=issuer_of(region), sub=f"{region}-client-local", sid=f"local-{secrets.token_hex(8)}", role="", scopes=scopes,
        locs=(), iat=now_s, exp=now_s + seconds, auth_time=0, acr="1", num=0, dev="", dev_sid="", use="access",
    )  # fmt: skip
    return issue(keys, claims)


def account_of(paths: CellPaths, region: str, login: str) -> str:
    """The id of the account with this login name, whether there is one or not. Raises CellError."""
    return account_id(region, login_digest(_usable(lambda: load(paths.keyring)), login))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _usable(action: Callable[[], T]) -> T:
    try:
        return action()
    except KeyringError as error:
        raise KeyFileRefused(error.problem, error.next_step, f"keyring.{error.code}", KEYRING) from None
    except OSError as error:
        raise CellError(f"the key file can't be written: {error}", "make room, or give this user the rights") from None
