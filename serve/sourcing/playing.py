"""How a past is played: by a process of its own (`player.py`), to which pieces go as they are read and
which tells how far it is.

A process and not a thread: what is played is Python from end to end and would hold the interpreter from whoever is
served for seconds in all. It is killed with a signal when nobody wants to know any more, and inherits nothing but where
Python finds its modules: no address of a store, no key.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from actors.domain.what_if_report import Report
from actors.domain.what_if_terms import Piece
from serve.sourcing.player import HEAD, Over, Said, framed

# How far it is: (orders played, of so many).
Told = Callable[[int, int], Awaitable[None]]
Playing = Callable[[AsyncIterator[Piece], Told], Awaitable[Report]]
_said = msgspec.msgpack.Decoder(Said)
_INHERITED = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LANG", "LC_ALL", "TZ", "PYTHONTZPATH")


class PlayerGone(Exception):
    """The process ended without a report."""


async def spawned(pieces: AsyncIterator[Piece], told: Told) -> Report:
    """Plays in another process. Whatever ends this ends that. Raises PlayerGone."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    player = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "serve.sourcing.player",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=inherited,
    )  # fmt: skip
    assert player.stdin is not None
    assert player.stdout is not None
    try:
        async for piece in pieces:
            player.stdin.write(framed(piece))
            await player.stdin.drain()
        player.stdin.close()
        while True:
            said = await _next(player.stdout)
            if isinstance(said, Over):
                return said.report
            await told(said.done, said.total)
    except (ConnectionError, asyncio.IncompleteReadError) as error:
        raise PlayerGone from error
    finally:
        if player.returncode is None:
            player.kill()
        await player.wait()


async def _next(out: asyncio.StreamReader) -> Said:
    head = await out.readexactly(HEAD)
    said: Said = _said.decode(await out.readexactly(int.from_bytes(head, "big")))
    return said
