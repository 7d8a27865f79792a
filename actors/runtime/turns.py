"""One item becomes one turn: decide, evolve, remember. Synchronous: nothing here waits, so a
batch of turns is one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from actors.domain.acts import audited_of
from actors.domain.errors import Refused, decode_refusal
from actors.domain.kind import Context
from actors.runtime import wire
from actors.runtime.codec import Codec, to_json
from actors.runtime.mailbox import KEY_REUSED, Group, Item
from actors.runtime.memory import Remembered
from actors.runtime.shard import Entity, Shard
from actors.runtime.sharding import fingerprint
from actors.runtime.wire import Envelope, Reply, Turn


class EvolveFault(Exception):
    """An event could not be applied, or what follows from it not be told: the shard's memory is ahead of what will ever
    be durable and can't be trusted any more."""


class NeedsStore(Exception):
    """The item can't be answered from memory: the entity has to be loaded, or the history asked for the command."""

    def __init__(self, fingerprint: int | None) -> None:
        super().__init__()
        self.fingerprint = fingerprint


def scope_of(envelope: Envelope) -> str:
    """Within what a command id is unique: the entity, or for creations (whose id a repetition can't know) the kind."""
    return envelope.kind if envelope.creates else envelope.entity_id


def mark_of(envelope: Envelope) -> int:
    """By what a command is remembered."""
    return fingerprint(scope_of(envelope), envelope.command_id)


def only_history_knows(shard: Shard, envelope: Envelope, mark: int) -> bool:
    """Whether a command that memory can't recall was done: perhaps it was, and memory has forgotten the answer."""
    return bool(envelope.since_ms) or mark in shard.memory.seen


def encoded(rows: Sequence[msgspec.Struct]) -> int:
    """Bytes of the state as an entity's first row carries it; 0 where none does."""
    return len(getattr(rows[0], "state", b"")) if rows else 0


class TurnTaker:
    """Takes the turns of a host. `counters` are read by the host's meters."""

    def __init__(self, codecs: Mapping[str, Codec]) -> None:
        self._codecs = codecs
        self.turns = 0
        self.refusals = 0
        self.repeats = 0
        self.faults = 0

    def take(self, shard: Shard, item: Item, group: Group, now_ms: int, now: float) -> None:
        """Puts the item's turn and reply into `group`. Raises NeedsStore (nothing happened) or EvolveFault."""
        envelope = item.envelope
        codec = self._codecs[envelope.kind]
        mark = 0
        if envelope.mode == wire.COMMAND:
            mark = mark_of(envelope)
            # What the history told this item counts even when the memory has forgotten it again meanwhile.
            known = shard.memory.recall(mark) or (item.recalled if item.looked_up is shard else None)
            if known is not None:
                self._repeat(shard, item, known, group)
                return
            if item.looked_up is not shard and only_history_knows(shard, envelope, mark):
                raise NeedsStore(mark)
        key = (envelope.kind, envelope.entity_id)
        entity = shard.use(key, now)
        if entity is None:
            if not envelope.creates and item.absent is not shard:
                raise NeedsStore(None)
            entity = Entity(None, 0, now)
        if envelope.mode == wire.VIEW:
            group.recalled[shard] = None
            group.replies.append((shard, item, self._view(codec, entity, envelope)))
        else:
            self._command(shard, codec, entity, item, mark, group, now_ms)

    def _view(self, codec: Codec, entity: Entity, envelope: Envelope) -> Reply:
        try:
            return Reply(wire.OK, to_json(codec.kind.view(entity.state, codec.query(envelope.body), entity.version)))
        except Refused as refused:
            return Reply(wire.REFUSED, to_json(refused.body))

    def _repeat(self, shard: Shard, item: Item, known: Remembered, group: Group) -> None:
        self.repeats += 1
        if known.digest != item.envelope.digest:
            reply = KEY_REUSED
        elif known.provisional and item.envelope.wait:
            reply = Reply(wire.PENDING, known.reply)
            # The waiters are found by the first delivery's entity, whose id the repetition can't know.
            self._wait(shard, item, known.entity_id, group)
        else:
            # The line is that of the first delivery. Of what was no command there is none: whoever found it keeps it.
            audited = known.status == wire.REFUSED and item.envelope.who is not None and not item.envelope.refused
            reply = Reply(known.status, known.reply, audited)
        group.replies.append((shard, item, reply))

    def _wait(self, shard: Shard, item: Item, entity_id: str, group: Group) -> None:
        shard.waiters.setdefault((entity_id, item.envelope.command_id), []).append(item)

    def _command(
        self, shard: Shard, codec: Codec, entity: Entity, item: Item, mark: int, group: Group, now_ms: int
    ) -> None:
        envelope, kind = item.envelope, codec.kind
        context = Context(envelope.entity_id, envelope.command_id, now_ms)
        rows: list[msgspec.Struct] = []
        answers: list[tuple[str, bytes]] = []
        happened: list[Any] = []
        provisional = False
        command = None if envelope.refused else codec.command(envelope.body)
        try:
            if command is None:
                # Whoever asks found it, and had to ask all the same: it may have been done before that was wrong.
                found = decode_refusal(envelope.refused)
                raise Refused(found.code, found.detail, **found.extra)
            decision = kind.decide(entity.state, command, context)
        except Refused as refused:
            self.refusals += 1
            status, reply, events = wire.REFUSED, to_json(refused.body), b"[]"
            # Of what is no command whoever found it keeps the line.
            audited = (
                [] if command is None else audited_of(kind, envelope.who, entity.state, command, [], refused.body.code)
            )
        else:
            happened = decision.events
            # Before the state is changed: it says what was there before.
            audited = audited_of(kind, envelope.who, entity.state, command, happened)
            try:
                if happened:
                    state = entity.state
                    for event in happened:
                        state = kind.evolve(state, event, context)
                    entity.state = state
                    entity.version += len(happened)
                    rows = kind.rows(state, entity.version, happened, context)
                    entity.weight = max(entity.weight, encoded(rows))
                status, events = wire.OK, to_json(happened)
                reply = to_json(decision.reply(entity.state, entity.version))
                provisional = decision.provisional
                answers = [(a.command_id, to_json(a.reply(entity.state, entity.version))) for a in decision.answers]
            except Exception as fault:
                if not happened:
                    raise  # nothing was changed
                raise EvolveFault(f"{envelope.kind} {envelope.entity_id}") from fault
        if not entity.version:
            # Nothing exists under this id: nothing to remember it with, no line of the audit, no harm in asking again.
            group.recalled[shard] = None
            group.replies.append((shard, item, Reply(status, reply)))
            return
        self.turns += 1
        shard.entities[envelope.kind, envelope.entity_id] = entity
        entity.dirty += 1
        turn = Turn(
            envelope.kind, envelope.entity_id, entity.version, now_ms, envelope.command_id, mark, envelope.digest,
            envelope.cause, events, status, reply, provisional, answers, audited,
        )  # fmt: skip
        part = group.part(shard)
        part.add(entity, turn, rows, happened)
        if mark:  # nobody asks for a timer's answer
            remembered = Remembered(
                envelope.entity_id, envelope.command_id, part.position, envelope.digest, status, reply, provisional
            )  # fmt: skip
            shard.memory.put(mark, remembered, now_ms)
        for command_id, final in answers:
            shard.memory.finish(envelope.entity_id, command_id, final, part.position)
        if provisional and envelope.wait:
            self._wait(shard, item, envelope.entity_id, group)
            group.replies.append((shard, item, Reply(wire.PENDING, reply)))
        else:
            group.replies.append((shard, item, Reply(status, reply, status == wire.REFUSED and bool(audited))))

    def fold(self, codec: Codec, entity: Entity, turn: Turn) -> list[msgspec.Struct]:
        """Applies a durable turn of the tail to an entity that was loaded without it; gives its rows."""
        if turn.version <= entity.version or turn.events == b"[]":
            return []
        context = Context(turn.entity_id, turn.command_id, turn.at_ms)
        events = codec.events(turn.events)
        for event in events:
            entity.state = codec.kind.evolve(entity.state, event, context)
        entity.version = turn.version
        rows = codec.kind.rows(entity.state, entity.version, events, context)
        entity.weight = max(entity.weight, encoded(rows))
        return rows
