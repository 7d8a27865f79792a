"""Lines of the audit as rows of `audit`, chained by shard.

    chain(n) = SHA-256( chain(n - 1) + row n as COPY's binary fields, all but the chain )

What is hashed is what PostgreSQL is sent, so a verifier that reads the columns and packs them again must come to the
same chains. Numbers count from 1 within a shard without gaps, and times never go back, so that a month of a shard is an
unbroken stretch of its chain.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

import msgspec

from actors.domain.audit import Act, Audited, Who
from actors.runtime.ports import DrainedTurn
from actors.runtime.wire import Turn
from actors.storage.audit_seconds import Said

COLUMNS = (
    "shard", "number", "at", "version", "subject", "role", "session_id", "address", "device", "behalf", "request_id",
    "action", "outcome", "location_id", "kind", "entity_id", "why", "changes", "chain",
)  # fmt: skip
CHAIN_BYTES = 32
_COUNT = struct.pack("!h", len(COLUMNS))
_numbers = struct.Struct("!iiiqiqiq").pack
_length = struct.Struct("!i").pack
_POSTGRES_EPOCH_US = 946_684_800_000_000
_encode_changes = msgspec.json.Encoder().encode
_CHAIN_LENGTH = _length(CHAIN_BYTES)
_NO_MORE = _length(0) * 2
PACKED_MAX = 20_000


class Head(NamedTuple):
    """The end of a shard's chain: the number, chain and time (UTC ms) of its last line."""

    number: int = 0
    chain: bytes = b""
    at_ms: int = 0


class Chained(NamedTuple):
    """Lines ready for COPY as blocks, in their order; the ends of the chains that they make longer, by shard; and what
    they are found by, each once."""

    blocks: list[bytes]
    ends: dict[int, Head]
    said: dict[Said, None]


def link(previous: bytes, fields: bytes) -> bytes:
    """The chain of a row that follows one with the chain `previous`."""
    return sha256(previous + fields).digest()


def chained(turns: Sequence[DrainedTurn], heads: Mapping[int, Head]) -> Chained:
    """All that is audited in these turns, chained to what is there."""
    blocks: list[bytes] = []
    ends: dict[int, Head] = {}
    said: dict[Said, None] = {}
    # One shard's turns follow each other, so that its end need not be looked up for each line.
    shard: int | None = None
    number, chain, at_ms = Head()
    for drained in turns:
        turn = drained.turn
        if not turn.audited:
            continue
        if drained.shard != shard:
            if shard is not None:
                ends[shard] = Head(number, chain, at_ms)
            shard = drained.shard
            number, chain, at_ms = ends.get(shard) or heads.get(shard) or Head()
        for line in turn.audited:
            number += 1
            # One clock is behind another's: the chain's times go on from where they are. A line of a replica whose
            # clock is ahead is no later than the turn that carries it: else all lines of the shard would be dated ahead
            # until time has caught up, and their month might not be there yet.
            line_ms, turn_ms = line.at_ms, turn.at_ms
            if line_ms and line_ms < turn_ms:
                turn_ms = line_ms
            at_ms = max(at_ms, turn_ms)
            moment_us = at_ms * 1000 - _POSTGRES_EPOCH_US
            who, act = line.who, line.act
            numbers = _numbers(4, shard, 8, number, 8, moment_us, 8, line.version or turn.version)
            fields = numbers + _texts(line, who, act, turn)
            chain = link(chain, fields)
            blocks += (_COUNT, fields, _CHAIN_LENGTH, chain)
            # A routine step that its order's turn would not lead to.
            moved = turn.entity_id if at_ms != turn.at_ms and turn.kind == "order" and not who.role else ""
            said[at_ms // 1000, who.subject, who.address, act.action, act.location_id, moved] = None
    if shard is not None:
        ends[shard] = Head(number, chain, at_ms)
    return Chained(blocks, ends, said)


def _texts(line: Audited, who: Who, act: Act, turn: Turn) -> bytes:
    """The columns from `subject` to `changes` as COPY's fields. Who asked and what was done come again
    and again: packed once."""
    # A trail's lines say themselves what they are about, be it nothing.
    kind, entity_id = (line.kind, line.entity_id) if line.request_id else (turn.kind, turn.entity_id)
    request, entity = (line.request_id or turn.cause).encode(), entity_id.encode()
    more = _more(act) if act.why or act.changes else _NO_MORE
    return b"".join((
        _who(who), _length(len(request)), request, _what(act.action, line.outcome, act.location_id, kind), _length(len(entity)), entity, more,
    ))  # fmt: skip


@lru_cache(PACKED_MAX)
def _who(who: Who) -> bytes:
    return _packed((who.subject, who.role, who.session_id, who.address, who.device, who.behalf))


@lru_cache(PACKED_MAX)
def _what(*texts: str) -> bytes:
    return _packed(texts)


def _more(act: Act) -> bytes:
    changes = _encode_changes(act.changes) if act.changes else b""
    why = act.why.encode()
    return b"".join((_length(len(why)), why, _length(len(changes)), changes))


def _packed(texts: Iterable[str]) -> bytes:
    return b"".join([_length(len(text)) + text for text in map(str.encode, texts)])
