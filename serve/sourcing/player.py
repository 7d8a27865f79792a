"""Plays a past: `python -m serve.sourcing.player`, a process beside the replica, which goes on serving meanwhile.

It gets pieces on its standard input and answers on its standard output; each is four bytes of length and then
MessagePack. It knows no store, no gateway and no keys, so whatever it plays it changes nothing. It gives way to
everybody else on the machine (`nice`), and ends when nobody reads what it says.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import IO

import msgspec

from actors.domain.what_if_report import Report, WhatIf
from actors.domain.what_if_terms import Go, Past, Piece, WhatIfTerms
from actors.enumeration.search import solver_for

HEAD = 4
# After so many orders it tells how far it is.
EVERY = 25
NICE = 10


class Played(msgspec.Struct, frozen=True, tag=True):
    """So many orders of so many."""

    done: int
    total: int


class Over(msgspec.Struct, frozen=True, tag=True):
    """What came of it."""

    report: Report


Said = Played | Over
_piece = msgspec.msgpack.Decoder(Piece).decode
encode = msgspec.msgpack.Encoder().encode


def framed(said: msgspec.Struct) -> bytes:
    """One frame."""
    body = encode(said)
    return len(body).to_bytes(HEAD, "big") + body


def pieces_of(source: IO[bytes]) -> Iterator[Piece]:
    """What comes, until it ends."""
    while head := source.read(HEAD):
        yield _piece(source.read(int.from_bytes(head, "big")))


def past_of(pieces: Iterator[Piece]) -> Past | None:
    """All of it; None when it ended before `Go`."""
    past = None
    for piece in pieces:
        if isinstance(piece, WhatIfTerms):
            past = Past(piece)
        elif isinstance(piece, Go):
            return past
        elif past is not None:
            past.add(piece)
    return None


def says(past: Past) -> Iterator[Said]:
    """Plays it."""
    what_if = WhatIf(past, solver_for)
    for done in what_if.steps():
        if done % EVERY == 0:
            yield Played(done, what_if.total)
    assert what_if.report is not None
    yield Over(what_if.report)


def main() -> int:
    """0 when it was played, 1 when it was broken off."""
    os.nice(NICE)
    past = past_of(pieces_of(sys.stdin.buffer))
    if past is None:
        return 1
    out = sys.stdout.buffer
    try:
        for said in says(past):
            out.write(framed(said))
            out.flush()
    except BrokenPipeError:
        # Who asked is gone. Nothing more can be said, not at the interpreter's end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
