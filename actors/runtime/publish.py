"""What happens with a group once its append is known: everything that leaves a shard leaves here, and only here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from actors.runtime import wire
from actors.runtime.codec import Codec
from actors.runtime.feed import Feed
from actors.runtime.mailbox import UNAVAILABLE, Group, Part
from actors.runtime.outbox import Outbox
from actors.runtime.shard import Shard
from actors.runtime.timers import Timers
from actors.runtime.wire import LiveEvent, Reply

log = logging.getLogger("ocefs.publish")


class Publisher:
    """Releases replies, rows, live events, messages and timers of durable turns."""

    def __init__(self, codecs: Mapping[str, Codec], feed: Feed, outbox: Outbox, timers: Timers) -> None:
        self._codecs = codecs
        self._feed = feed
        self._outbox = outbox
        self._timers = timers

    def durable(self, group: Group) -> None:
        """Every part whose shard is not lost is on disk; replies of lost shards, and of those that may be another's by
        now, turn into UNAVAILABLE. Screens hear that something may be missing: a shard may be lost to another host
        while its append succeeds, and nobody tells live of what that host then finds in the journal."""
        for part in group.parts.values():
            if part.shard.lost:
                self._feed.missed()
            else:
                self._part(part)
        for shard, item, reply in group.replies:
            item.done(UNAVAILABLE if group.withheld(shard) else reply)
        for after in group.after:
            after()

    def _part(self, part: Part) -> None:
        shard, live = part.shard, self._feed.live_wanted
        shard.durable = part.position
        shard.tail.extend(part.entries)
        for entry, events in zip(part.entries, part.events, strict=True):
            turn = entry.turn
            if events:
                codec = self._codecs[turn.kind]
                if codec.sends:
                    sender = (turn.kind, turn.entity_id)
                    self._outbox.add(shard.number, part.position, sender, turn.version, turn.at_ms, events)
                if codec.has_due:
                    self._due(shard, turn.kind, turn.entity_id)
                if codec.kind.warns is not None:
                    self._warn(turn.entity_id, codec.kind.warns, events)
                if codec.kind.resident:
                    self._feed.publish(shard, entry.rows or ())
                if live and not codec.kind.secret:
                    self._feed.publish_live(
                        LiveEvent(turn.kind, turn.entity_id, turn.version, turn.at_ms, turn.events)
                    )  # fmt: skip
            for command_id, final in turn.answers:
                self._answer(shard, turn.entity_id, command_id, final)

    def _warn(self, entity_id: str, warns: Callable[[Any], str], events: Sequence[Any]) -> None:
        for event in events:
            if warning := warns(event):
                log.warning(warning, extra={"entity_id": entity_id})

    def _due(self, shard: Shard, kind: str, entity_id: str) -> None:
        # The state may be ahead of what is durable: a timer only wakes the entity, which then decides for itself.
        entity = shard.entities.get((kind, entity_id))
        if entity is not None:
            self._timers.set(shard.number, (kind, entity_id), self._codecs[kind].kind.due(entity.state))

    def _answer(self, shard: Shard, entity_id: str, command_id: str, final: bytes) -> None:
        reply = Reply(wire.OK, final)
        for waiter in shard.waiters.pop((entity_id, command_id), ()):
            if not waiter.final(reply):
                self._feed.answer(waiter.gateway_id, waiter.envelope.ticket, reply)
