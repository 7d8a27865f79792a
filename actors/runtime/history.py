"""The events of one entity: what the store has, and what is durable but not yet there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from actors.domain.errors import RefusalBody
from actors.domain.times import moment
from actors.runtime import wire
from actors.runtime.codec import Codec, to_json
from actors.runtime.errors import StoreUnavailable
from actors.runtime.mailbox import UNAVAILABLE, Item
from actors.runtime.ports import HistoryTurn, Store
from actors.runtime.shard import Shard
from actors.runtime.wire import Reply

_QUERY = msgspec.msgpack.Decoder(tuple[int, int]).decode
SECRET = Reply(wire.REFUSED, to_json(RefusalBody("history.secret", "The history of this holds secrets.")))
_EVENTS = msgspec.json.Decoder(list[dict[str, Any]]).decode


async def answer(store: Store, codecs: Mapping[str, Codec], shard: Shard, item: Item) -> None:
    """Answers a HISTORY envelope: `{"events": [{"sequence", "at", "cause", "type", …}], "next_after"}`, or `null` for
    an entity without any; a refusal for a kind whose events are secret. Durable turns only; one that was drained while
    the store was read is not told twice."""
    envelope = item.envelope
    if codecs[envelope.kind].kind.secret:
        item.done(SECRET)
        return
    after, limit = _QUERY(envelope.body)
    recent = [
        HistoryTurn(t.version, t.at_ms, t.command_id, t.cause, t.events, t.status)
        for t in (entry.turn for entry in shard.tail)
        if t.kind == envelope.kind and t.entity_id == envelope.entity_id and t.version > after and t.events != b"[]"
    ]
    try:
        stored = await store.history(envelope.kind, envelope.entity_id, after, limit)
    except StoreUnavailable:
        item.done(UNAVAILABLE)
        return
    turns = {turn.version: turn for turn in (*stored, *recent)}
    events = []
    for version in sorted(turns):
        events.extend(_events(turns[version], after))
    page = events[:limit]
    more = len(events) > limit or len(stored) == limit
    item.done(Reply(wire.OK, to_json({"events": page, "next_after": page[-1]["sequence"] if more and page else None})))


def _events(turn: HistoryTurn, after: int) -> list[dict[str, Any]]:
    happened = _EVENTS(turn.events)
    first = turn.version - len(happened) + 1
    at = moment(turn.at_ms)
    return [
        {"sequence": first + n, "at": at, "cause": turn.cause, "command_id": turn.command_id} | event
        for n, event in enumerate(happened)
        if first + n > after
    ]
