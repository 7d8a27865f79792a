"""Which entities leave memory: the idle ones, and past the memory cap the least recently used. Only clean ones (all
their turns are in the store) and never residents."""

from __future__ import annotations

from collections.abc import Mapping

from actors.runtime.codec import Codec
from actors.runtime.limits import Limits
from actors.runtime.shard import Entity, Key, Shard

# Memory of an entity beside its state, and of a state relative to its encoding (measured: perf/README.md).
ENTITY_BYTES = 1300
STATE_FACTOR = 5
EVICT_MAX = 20_000


def weight(entity: Entity) -> int:
    """Estimated bytes of an entity in memory."""
    return ENTITY_BYTES + STATE_FACTOR * entity.weight


def passivate(codecs: Mapping[str, Codec], shards: Mapping[int, Shard], limits: Limits, now: float) -> int:
    """Drops entities; returns how many."""
    count = sum(len(shard.entities) for shard in shards.values())
    excess = _excess(shards, limits, count)
    dropped = 0
    for shard in shards.values():
        share = excess * len(shard.entities) // count if count and excess else 0
        gone: list[Key] = []
        for key, entity in shard.entities.items():
            idle = now - entity.used_at >= limits.idle_passivate_s
            if (not idle and len(gone) >= share) or len(gone) >= EVICT_MAX:
                break
            if not entity.dirty and not codecs[key[0]].kind.resident:
                gone.append(key)
        for key in gone:
            del shard.entities[key]
        dropped += len(gone)
    return dropped


def _excess(shards: Mapping[int, Shard], limits: Limits, count: int) -> int:
    """How many entities too many there are for the cap, by the mean weight of the busiest shard."""
    if not count:
        return 0
    sample = max(shards.values(), key=lambda shard: len(shard.entities))
    weights = [weight(entity) for _, entity in zip(range(1000), sample.entities.values(), strict=False)]
    room = limits.memory_cap_mb * 1_000_000 // max(1, sum(weights) // len(weights))
    return max(0, count - room)
