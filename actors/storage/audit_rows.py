"""Lines of the audit as rows of `audit`, chained by shard.

    chain(n) = SHA-256( chain(n - 1) + row n as COPY's binary fields, all but the chain )

What is hashed is what PostgreSQL is sent, so a verifier that reads the columns and packs them again must come to the same chains. Numbers
count from 1 within a shard without gaps, and times never go back, so that a month of a shard is an unbroken stretch of its chain.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

import msgspec

from actors.domain.audit import Audited
from actors.runtime.ports import DrainedTurn
from actors.runtime.wire import Turn

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
_NO_CHANGES = b""


class Head(NamedTuple):
    """The end of a shard's chain: the number, chain and time (UTC ms) of its last line."""

    number: int = 0
    chain: bytes = b""
    at_ms: int = 0


def fields_of(shard: int, number: int, at_ms: int, version: int, texts: Sequence[bytes]) -> bytes:
    """A row's fields but its chain, each after its length. `texts`: the columns from `subject` to `changes`, UTF-8."""
    cells = [b""] * (2 * len(texts))
    cells[::2] = map(_length, map(len, texts))
    cells[1::2] = texts
    return _numbers(4, shard, 8, number, 8, at_ms * 1000 - _POSTGRES_EPOCH_US, 8, version) + b"".join(cells)


def link(previous: bytes, fields: bytes) -> bytes:
    """The chain of a row that follows one with the chain `previous`."""
    return sha256(previous + fields).digest()


def chained(turns: Sequence[DrainedTurn], heads: Mapping[int, Head]) -> tuple[list[bytes], dict[int, Head]]:
    """The rows for COPY of all that is audited in these turns, in their order, and the ends of the chains that they make longer."""
    rows: list[bytes] = []
    ends: dict[int, Head] = {}
    for drained in turns:
        if drained.turn.audited:
            shard, turn = drained.shard, drained.turn
            end = ends.get(shard) or heads.get(shard) or Head()
            for line in turn.audited:
                # One clock is behind another's: the chain's times go on from where they are.
                at_ms = max(end.at_ms, line.at_ms or turn.at_ms)
                fields = fields_of(shard, end.number + 1, at_ms, line.version or turn.version, _texts(line, turn))
                end = Head(end.number + 1, link(end.chain, fields), at_ms)
                rows.append(_COUNT + fields + _length(CHAIN_BYTES) + end.chain)
            ends[shard] = end
    return rows, ends


def _texts(line: Audited, turn: Turn) -> list[bytes]:
    who, act = line.who, line.act
    # A trail's lines say themselves what they are about, be it nothing.
    kind, entity_id = (line.kind, line.entity_id) if line.request_id else (turn.kind, turn.entity_id)
    texts = (
        who.subject, who.role, who.session_id, who.address, who.device, who.behalf, line.request_id or turn.cause,
        act.action, line.outcome, act.location_id, kind, entity_id, act.why,
    )  # fmt: skip
    out = [text.encode() for text in texts]
    out.append(_encode_changes(act.changes) if act.changes else _NO_CHANGES)
    return out
