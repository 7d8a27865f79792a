"""Which shard an entity belongs to. Stable for ever: shards are in the journal's and the store's keys."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from functools import lru_cache

from actors.domain.ids import routing_part


@lru_cache(maxsize=65_536)
def shard_of(kind: str, entity_id: str, shards: int) -> int:
    """The shard (0 ≤ shard < `shards`) of an entity, by CRC-32 of the routing part of its id."""
    return zlib.crc32(routing_part(kind, entity_id).encode()) % shards


def fingerprint(scope: str, command_id: str) -> int:
    """63 bits (they fit PostgreSQL's bigint) that stand for a command in the memory of commands; `scope` is the
    entity's id, or the kind for creations."""
    return int.from_bytes(hashlib.blake2b(f"{scope}\0{command_id}".encode(), digest_size=8).digest(), "big") >> 1


def digest_of(body: bytes) -> int:
    """63 bits of a request's body."""
    return int.from_bytes(hashlib.blake2b(body, digest_size=8).digest(), "big") >> 1


def mask_of(shards: Iterable[int]) -> bytes:
    """A set of shards as bits, the lowest shard last; two sets are equal when these are."""
    mask = 0
    for shard in shards:
        mask |= 1 << shard
    return mask.to_bytes((mask.bit_length() + 7) // 8, "big")
