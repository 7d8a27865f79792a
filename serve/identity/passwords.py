"""Passwords: what is taken as one (NIST SP 800-63B-4, section 3.1.1), how it is kept, and who does the slow work.

Kept as argon2id with the second recommended option of RFC 9106 ("low memory": 3 passes, 64 MiB, 4 lanes), which is the
library's default too. It is named here so that a new version of the library can't change it unseen.

NIST asks for 15 characters where a password is the only factor, and for 8 beside a second one. Ours stands beside a
second one; we ask for 12, without rules of composition, and refuse those that are known to be in use, made as most
people make theirs (`common_patterns.py`), or of the retailer's own names (`own_words.py`).
"""

from __future__ import annotations

import asyncio
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import Literal, TypeVar

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import Argon2Error
from argon2.profiles import RFC_9106_LOW_MEMORY

from serve.identity.common_patterns import is_made_as_most_are
from serve.identity.folding import folded
from serve.identity.own_words import OwnWords

LENGTH_MIN = 12
LENGTH_MAX = 128
THREADS = 2
WAITING_MAX = 64
BREACHED_FILE_BYTES_MAX = 16 * 1024 * 1024
# What a stored hash may ask for: one that was damaged must not take all memory or a minute.
_MEMORY_KIB_MAX = 256 * 1024
_PASSES_MAX = 16
_LANES_MAX = 16

# Made of random bytes with today's parameters: no password is known for it. Verified for a login that nobody has, so
# that it takes as long as a wrong password of one that somebody has.
DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$y7d1eSPLdlyQhiSySg41MQ$8u511tv5IduDEVmhnk5rZmLJwDrrvC7/zBH2H36Fs9o"

_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_T = TypeVar("_T")
Weakness = Literal["too_short", "too_long", "not_text", "breached", "login", "own_words", "same"]


class WeakPassword(ValueError):
    """A password that is not taken. `reason` is stable; the message is for the person, and
    does not hold the password."""

    def __init__(self, reason: Weakness, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Overloaded(Exception):
    """More passwords wait to be checked than is good: try again in a second."""


class BreachedList:
    """Passwords that are known to be in use, and therefore the first that are tried. Case does not matter.

    The bundled list, and that of a file (`extra`) with one a line: UTF-8, up to 16 MiB. Raises
    ValueError that names the file.
    """

    def __init__(self, extra: str | Path | None = None) -> None:
        words = (resources.files("serve.identity") / "breached.txt").read_text("utf-8").splitlines()
        if extra is not None:
            words += _lines(Path(extra))
        self._words = frozenset(folded(word) for word in words) - {""}

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and folded(text) in self._words

    def __len__(self) -> int:
        return len(self._words)


def hash_password(text: str) -> str:
    """The hash to keep, some 100 characters, with its salt and parameters. Takes some 0.1 s and 64 MiB. Raises
    ValueError for what is no text (lone surrogates) or longer than LENGTH_MAX."""
    if _too_long(text):
        raise ValueError(f"a password has at most {LENGTH_MAX} characters")
    return _hasher.hash(_normal(text))


def verify_password(hash: str, text: str) -> bool:  # noqa: A002 - the library's word for it
    """Does the password belong to the hash? False, too, for a hash that is damaged. Never raises."""
    try:
        return not _too_long(text) and _affordable(hash) and _hasher.verify(hash, _normal(text))
    except (Argon2Error, ValueError):  # a mismatch, a hash that is none, a text that is none
        return False


def needs_rehash(hash: str) -> bool:  # noqa: A002
    """Was it made with other parameters than today's? Then the password is hashed anew when it was
    verified (`renewal.py`)."""
    try:
        return _hasher.check_needs_rehash(hash)
    except (Argon2Error, ValueError):
        return True


def is_login() -> WeakPassword:
    """The password is the login name."""
    return WeakPassword("login", "The password must not be the login name.")


def check_new_password(
    text: str, breached: BreachedList, own_words: OwnWords, login: str = "", before: str = ""
) -> None:
    """Raises WeakPassword. `login`: the account's login name, which (also without its domain) is no password;
    "" when it is not known. `before`: the password that this one takes the place of, "" for none."""
    if _too_long(text):
        raise WeakPassword("too_long", f"A password has at most {LENGTH_MAX} characters.")
    normal = _normal(text)
    try:
        normal.encode()
    except UnicodeEncodeError:
        raise WeakPassword("not_text", "The password holds characters that are none.") from None
    if len(normal) < LENGTH_MIN:
        raise WeakPassword(
            "too_short", f"A password has at least {LENGTH_MIN} characters. A few words make a good one."
        )
    if before and _normal(before) == normal:
        raise WeakPassword("same", "This is the password that it would take the place of: think of another one.")
    if login and folded(text) in {folded(login), folded(login.partition("@")[0])}:
        raise is_login()
    if own_words.make_up(normal):
        raise WeakPassword(
            "own_words", "The password is made of names of this company and its places. Add some words that are not."
        )
    if normal in breached or is_made_as_most_are(normal):
        raise WeakPassword(
            "breached",
            "Many people use this password or one that is made like it, so it is among the first to be tried. Take a few words.",
        )


class PasswordWorkers:
    """Hashes in THREADS threads of its own (the library lets go of the interpreter's lock), so
    that the event loop goes on.

    Bounded: who comes when WAITING_MAX wait is told Overloaded. Memory: at most THREADS × 64 MiB.
    """

    def __init__(self, threads: int = THREADS, waiting_max: int = WAITING_MAX) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._room = threading.BoundedSemaphore(threads + waiting_max)

    async def verify(self, hash: str, text: str) -> bool:  # noqa: A002
        """`verify_password`. Raises Overloaded."""
        return await self._do(lambda: verify_password(hash, text))

    async def hash(self, text: str) -> str:
        """`hash_password`. Raises Overloaded, ValueError."""
        return await self._do(lambda: hash_password(text))

    def close(self) -> None:
        """Takes no more; what was taken is finished."""
        self._pool.shutdown(wait=False)

    async def _do(self, work: Callable[[], _T]) -> _T:
        if not self._room.acquire(blocking=False):
            raise Overloaded("too many passwords wait to be checked")
        try:
            future = self._pool.submit(work)
        except RuntimeError:
            self._room.release()
            raise Overloaded("passwords are checked no more: the cell is closing") from None
        future.add_done_callback(self._leave)  # also when the caller went away before its turn
        return await asyncio.wrap_future(future)

    def _leave(self, _: Future[_T]) -> None:
        self._room.release()


def _normal(text: str) -> str:
    """NFC, as NIST SP 800-63B-4 wants it before hashing: the same keys on two keyboards give the same password."""
    return unicodedata.normalize("NFC", text)


def _too_long(text: str) -> bool:
    # A character is at most four code points before NFC in any script that is typed; the first
    # check keeps the second cheap.
    return len(text) > 4 * LENGTH_MAX or len(_normal(text)) > LENGTH_MAX


def _affordable(hash: str) -> bool:  # noqa: A002
    asked = extract_parameters(hash)
    return (
        asked.type is Type.ID
        and 0 < asked.memory_cost <= _MEMORY_KIB_MAX
        and 0 < asked.time_cost <= _PASSES_MAX
        and 0 < asked.parallelism <= _LANES_MAX
    )


def _lines(path: Path) -> list[str]:
    try:
        size = path.stat().st_size
        if size > BREACHED_FILE_BYTES_MAX:
            raise ValueError(
                f"{path} has {size} bytes; a list of breached passwords may have {BREACHED_FILE_BYTES_MAX}"
            )
        return path.read_text("utf-8").splitlines()
    except OSError as error:
        raise ValueError(f"the list of breached passwords {path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"the list of breached passwords {path} is not UTF-8: save it as such") from None
