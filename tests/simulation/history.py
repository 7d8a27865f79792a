"""The durable history, folded again from its first turn: what everything else is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from actors.domain.kind import Context
from actors.domain.kinds import KINDS
from actors.domain.rows import changed
from actors.domain.times import moment
from actors.runtime.codec import codecs
from actors.runtime.wire import Turn
from tests.simulation.pictures import Step, Watch

CODECS = codecs(KINDS)
Key = tuple[str, str]


@dataclass(slots=True)
class Folded:
    """One entity: its turns in order, the last version, its state, and its views after each version that a turn ended
    at. `broken`: a turn does not fit the state that it found, so what follows tells nothing."""

    turns: list[Turn] = field(default_factory=list)
    version: int = 0
    state: Any = None
    events: list[Any] = field(default_factory=list)
    views: dict[int, bytes] = field(default_factory=dict)
    broken: bool = False

    def told(self) -> dict[int, dict[str, Any]]:
        """Its events by sequence, as they are told to who asks for them."""
        out: dict[int, dict[str, Any]] = {}
        for turn in self.turns:
            happened = msgspec.json.decode(turn.events)
            about = {"at": msgspec.to_builtins(moment(turn.at_ms)), "cause": turn.cause, "command_id": turn.command_id}
            for sequence, event in enumerate(happened, turn.version - len(happened) + 1):
                out[sequence] = {"sequence": sequence} | about | event
        return out


@dataclass(slots=True)
class History:
    """All entities, the rows of the read model as a replay gives them (table → key → row; append-only tables: a list),
    and the steps from state to state, as keys."""

    entities: dict[Key, Folded] = field(default_factory=dict)
    rows: dict[str, dict[tuple, msgspec.Struct]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    steps: dict[Step, None] = field(default_factory=dict)


def fold(turns: Iterable[Turn]) -> History:
    """Replays `turns` (of each shard in order). Gaps and jumps of versions are errors."""
    history = History()
    for turn in turns:
        _fold_turn(history, turn)
    return history


def _fold_turn(history: History, turn: Turn) -> None:
    key = (turn.kind, turn.entity_id)
    entity = history.entities.setdefault(key, Folded())
    codec = CODECS[turn.kind]
    context = Context(turn.entity_id, turn.command_id, turn.at_ms)
    entity.turns.append(turn)
    events = codec.events(turn.events)
    if turn.version != entity.version + len(events):
        history.errors.append(
            f"{turn.kind} {turn.entity_id}: turn of {turn.command_id} ends at version {turn.version}, "
            f"but {len(events)} events follow version {entity.version}"
        )
    watch = Watch(turn.kind, entity.state)
    try:
        for event in events:
            entity.state = codec.kind.evolve(entity.state, event, context)
            watch.happened(event, entity.state)
    except Exception as error:
        history.errors.append(f"{turn.kind} {turn.entity_id} version {turn.version}: evolve fails: {error!r}")
        entity.broken = True
        return
    history.steps.update(dict.fromkeys(watch.steps()))
    entity.version = turn.version
    entity.events.extend((turn.version - len(events) + n, event) for n, event in enumerate(events, 1))
    if not events:
        return
    if codec.kind.queries is not None and turn.kind in ("order", "location"):
        query = _query(turn.kind, turn.entity_id)
        entity.views[turn.version] = msgspec.json.encode(codec.kind.view(entity.state, query, entity.version))
    for row in codec.kind.rows(entity.state, entity.version, events, context):
        table = history.rows.setdefault(row.table, {})
        key = tuple(getattr(row, column) for column in row.key)
        if getattr(row, "gone", False):
            table.pop(key, None)
        else:
            table[key] = changed(table[key], row) if row.change else row


def _query(kind: str, entity_id: str) -> msgspec.Struct:
    from actors.domain.location_views import ViewStock
    from actors.domain.order_views import ViewOrder

    return ViewOrder(entity_id) if kind == "order" else ViewStock(entity_id, "", 100)
