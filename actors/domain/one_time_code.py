"""A one-time code: sent to where somebody can be reached, and given back once, soon, and within a few tries.

    none ──asked──▶ waiting ──right──▶ none            asked again: the newer code replaces the older
                       │ ▲ wrong: one try less
                       └─┘
                       └── TRIES_MAX times wrong, or its life later ──▶ none

Whoever sends the code makes it and tells us its keyed digest, so it stands nowhere. That somebody asks again and again
neither makes more tries than the codes have nor fills a mailbox: after ASKS_MAX codes in a row there is one more each
ASK_EVERY_MS. It is never none for long: anybody can ask for a code to an address that he knows, and must not keep its
owner out by that. What is sent goes to the owner. Times are UTC milliseconds since 1970.
"""

from __future__ import annotations

import hmac
from typing import Annotated

import msgspec

from actors.domain.personal_notes import ONE_TIME_CODE
from actors.domain.times import MINUTE_MS

CODE_MS = 10 * MINUTE_MS
TRIES_MAX = 5
ASKS_MAX = 10
ASK_EVERY_MS = 20 * MINUTE_MS


class Codes(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The newest code of somebody, and how many there were. `digest`: b"" when none waits; `asked`: since
    `first_asked_ms`, when none was to be waited for."""

    digest: Annotated[bytes, ONE_TIME_CODE] = b""
    until_ms: int = 0
    tries_left: int = 0
    asked: int = 0
    first_asked_ms: int = 0


NONE = Codes()


def asked(codes: Codes, digest: bytes, now_ms: int, life_ms: int = CODE_MS) -> Codes | None:
    """With a new code, good for `life_ms`; None when there were too many."""
    assert digest, "empty stands for no code"
    counted = codes.asked - max(0, now_ms - codes.first_asked_ms) // ASK_EVERY_MS
    if counted >= ASKS_MAX:
        return None
    since = (1, now_ms) if counted <= 0 else (codes.asked + 1, codes.first_asked_ms)
    return Codes(digest, now_ms + life_ms, TRIES_MAX, *since)


def waits(codes: Codes, now_ms: int) -> bool:
    """Is there a code that may still be tried?"""
    return bool(codes.digest) and now_ms < codes.until_ms and codes.tries_left > 0


def fits(codes: Codes, digest: bytes, now_ms: int) -> bool:
    """Is it the code that waits?"""
    return hmac.compare_digest(codes.digest, digest) and waits(codes, now_ms)


def missed(codes: Codes) -> Codes:
    """After a wrong try."""
    return msgspec.structs.replace(codes, tries_left=codes.tries_left - 1)


def used(codes: Codes) -> Codes:
    """After the right one: it is never taken again."""
    return msgspec.structs.replace(codes, digest=b"", until_ms=0, tries_left=0)
