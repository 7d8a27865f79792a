"""Every limit of a host and of a gateway in one place. A cell's config gives the values."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Counts are of envelopes, turns or entities; durations carry their unit."""

    shards: int = 64
    batch_max: int = 1024
    mailbox_max: int = 1000
    inbox_max: int = 20_000
    tail_max_turns: int = 500_000
    drain_interval_ms: int = 250
    drain_max_turns: int = 20_000
    idle_passivate_s: float = 900.0
    memory_cap_mb: int = 1024
    remember_hours: int = 24
    recent_commands_max: int = 1024  # per shard; older ones are looked up in the history
    outbox_retry_max: int = 20
    outbox_retry_first_ms: int = 100
    outbox_retry_interval_max_ms: int = 30_000
    listen_max_s: float = 10.0
    feed_rows_max: int = 200_000  # per gateway; past it the gateway starts again from a snapshot
    feed_piece_max: int = 5_000  # rows in one downlink: 10 to 20 ms of a host's loop
    feed_live_max: int = 10_000
    load_max: int = 2_000  # entities in one query, and commands that are asked for along with others
    settle_max: int = 2_000  # timers, or messages, in one query for shards that were taken over
    call_timeout_s: float = 2.0
    # A Ray call costs some 600 µs of CPU whatever it carries: hosts send each other messages no more often than this.
    call_spacing_s: float = 0.004
    # …and tell gateways what is new (stock for the index, live events, late final answers) no more often than this: hot
    # rows are told once for many changes.
    feed_spacing_s: float = 0.05
    # How long a call waits for final answers to go with it, whatever its callers' own patience is.
    answer_hold_s: float = 0.1
    # A call that takes longer does not hold up what is asked meanwhile: that goes in a
    # further call, of at most so many.
    call_patience_s: float = 0.05
    calls_max: int = 8
    request_timeout_s: float = 8.0
    retry_pause_s: float = 0.05
    # Whoever waits longer for the store is told to come again. Less than a call may take: those who
    # need no store wait with him.
    load_patience_s: float = 0.5
    history_patience_s: float = 1.5  # the same for the history of an entity, which is read anew each time
    warm_chunk: int = 2_000
