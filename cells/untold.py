"""What a cell met or did by itself and its audit has no line of yet: it came about while the cell was down,
or by the keeper beside it.

                                                                  the cell serves
    a start that a key file refuses ──────┬─▶ run/untold.json ──────────────────▶ POST /v1/audit/keeper-acts ──▶ a line each
    a month of the audit dropped or held ─┘   0600, on disk before anything goes on

Each is said under a key of its own until the cell has answered, and only then taken out. It holds no secret, and of a
file no more than its name.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from cells.errors import KeyFileRefused, refused
from cells.paths import CellPaths
from cells.settings import RegionConfig

# Whoever starts a cell again and again by a program must not fill the disk: past that they are counted.
WAITING_MAX = 100
OVERFLOW = "audit.overflow"
# What may stand in the name of a file that an operator has chosen; the audit takes no more.
FILE_CHARS_MAX = 64
_NAMED = re.compile(r"[^A-Za-z0-9_.-]")
log = logging.getLogger("ocefs.keeper")


class KeeperAct(msgspec.Struct, omit_defaults=True):
    """As `serve/audit/keeper.py` takes it. `at_ms`: when it was (UTC ms)."""

    action: str
    at_ms: int
    outcome: str = ""
    what: str = ""
    lines: int | None = None
    times: int | None = None


class Untold(msgspec.Struct):
    """`key`: under which it is said."""

    key: str
    act: KeeperAct


class Spool(msgspec.Struct):
    """The file. `dropped`, `held`: the last months (`2022-12`) that were kept as dropped, and as
    held: each is told once."""

    waiting: list[Untold] = []
    dropped: str = ""
    held: str = ""


@contextlib.contextmanager
def refusal_kept(config: RegionConfig, paths: CellPaths) -> Iterator[None]:
    """A start that a key file refuses within the block is kept for the audit, in a cell that has
    one; the refusal goes on."""
    try:
        yield
    except KeyFileRefused as error:
        if config.identity.mode == "required":
            try:
                with _changed(paths) as spool:
                    _add(spool, _refused_start(error.code, _NAMED.sub("_", error.file)[:FILE_CHARS_MAX]))
            except OSError as fault:
                log.error(
                    "%s", refused(fault, f"that the start was refused ({error.code}) could not be kept for the audit")
                )
        raise


def keep_months(
    paths: CellPaths, action: Literal["audit.drop", "audit.retain"], months: Iterable[tuple[str, int, int | None]]
) -> None:
    """(month, when (UTC ms), lines) of those that were dropped, or that a legal hold keeps, oldest first: what was kept
    before is left out, and what finds no room is left for the next time. Raises OSError."""
    with _changed(paths) as spool:
        known = spool.dropped if action == "audit.drop" else spool.held
        for month, at_ms, lines in months:
            if month > known and len(spool.waiting) < WAITING_MAX:
                _add(spool, KeeperAct(action, at_ms, what=month, lines=lines))
                known = month
        if action == "audit.drop":
            spool.dropped = known
        else:
            spool.held = known


def tell(paths: CellPaths, region: str) -> bool:
    """Says what waits to the cell, oldest first; False when that has to be tried again. Raises OSError."""
    from cells.operators import post  # with all that signs tokens: most who keep something have no use for it

    # Read anew each time: whoever counts on meanwhile puts another in the last one's place, and both would be told.
    while waiting := read(paths).waiting:
        untold = waiting[0]
        why = post(paths, region, "keeper-acts", msgspec.to_builtins(untold.act), key=untold.key)
        if why:
            log.warning("not in the audit of %s yet: %s %s: %s", region, untold.act.action, untold.act.outcome, why)
            return False
        with _changed(paths) as spool:
            spool.waiting = [one for one in spool.waiting if one.key != untold.key]
    return True


def read(paths: CellPaths) -> Spool:
    """The file; what is damaged is put aside and said, for whoever starts the cell. Raises OSError."""
    file = paths.untold
    try:
        return msgspec.json.decode(file.read_bytes(), type=Spool)
    except FileNotFoundError:
        return Spool()
    except msgspec.DecodeError as error:
        aside = file.with_suffix(".damaged")
        file.replace(aside)
        log.error("%s is damaged (%s): what waited for the audit is in %s", file, error, aside)
        return Spool()


def _refused_start(outcome: str, what: str = "", times: int | None = None) -> KeeperAct:
    return KeeperAct("cell.start", time.time_ns() // 1_000_000, outcome, what, times=times)


def _add(spool: Spool, act: KeeperAct) -> None:
    key = secrets.token_hex(16)
    if len(spool.waiting) < WAITING_MAX:
        spool.waiting.append(Untold(key, act))
        return
    # The last of them counts what came since, under another key each time: said before, it would be another request.
    # The first is left alone, it may be being told.
    before = spool.waiting[-1].act
    counts_on = before.outcome == OVERFLOW and len(spool.waiting) > 1
    if counts_on:
        spool.waiting.pop()
    times = (before.times or 0) + 1 if counts_on else 1
    spool.waiting.append(Untold(key, _refused_start(OVERFLOW, times=times)))


@contextlib.contextmanager
def _changed(paths: CellPaths) -> Iterator[Spool]:
    """The file as it is, for the block to change; on disk when that ends. One at a time: deploying and keeping are
    processes of their own. Raises OSError."""
    paths.run.mkdir(parents=True, exist_ok=True)
    folder = os.open(paths.run, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        spool = read(paths)
        before = msgspec.json.encode(spool)
        yield spool
        if msgspec.json.encode(spool) == before:
            return
        fresh = paths.untold.with_suffix(".fresh")
        with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(msgspec.json.format(msgspec.json.encode(spool), indent=1))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(paths.untold)
        os.fsync(folder)
    finally:
        os.close(folder)
