"""What PostgreSQL can't store as text: the character NUL, and halves of surrogate pairs. The API refuses both, so
nothing here is on the usual path; but should one come through, write-behind must not stop for it.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from actors.domain.audit import Changes
from actors.domain.kind import Row
from actors.runtime.ports import DrainBatch, DrainedTurn
from actors.runtime.wire import Turn

_S = TypeVar("_S", bound=msgspec.Struct)


def storable_text(text: str) -> str:
    """The text with U+FFFD for every NUL and every lone surrogate."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def storable(batch: DrainBatch) -> DrainBatch:
    """The batch with storable texts; of rows whose keys became the same, the last."""
    return DrainBatch(
        batch.host,
        batch.marks,
        [DrainedTurn(one.shard, one.position, one.line, _cleaned_turn(one.turn)) for one in batch.turns],
        {table: _single([_cleaned(row) for row in rows]) for table, rows in batch.rows.items()},
        [_cleaned(entry) for entry in batch.outbox_put],
        [storable_text(message_id) for message_id in batch.outbox_remove],
        {table: _single([_cleaned(row) for row in rows]) for table, rows in batch.changes.items()},
    )


def _cleaned_turn(turn: Turn) -> Turn:
    audited = [
        msgspec.structs.replace(
            _cleaned(line), who=_cleaned(line.who),
            act=msgspec.structs.replace(_cleaned(line.act), changes=_cleaned_changes(line.act.changes)),
        )
        for line in turn.audited
    ]  # fmt: skip
    return msgspec.structs.replace(_cleaned(turn), audited=audited)


def _cleaned_changes(changes: Changes) -> Changes:
    def clean(value: str | int | None) -> str | int | None:
        return storable_text(value) if isinstance(value, str) else value

    return {storable_text(field): (clean(before), clean(after)) for field, (before, after) in changes.items()}


def _cleaned(item: _S) -> _S:
    texts = {name: getattr(item, name) for name in item.__struct_fields__}
    changed: dict[str, Any] = {
        name: clean for name, text in texts.items() if isinstance(text, str) and (clean := storable_text(text)) != text
    }
    return msgspec.structs.replace(item, **changed) if changed else item


def _single(rows: list[Row]) -> list[Row]:
    if not rows or type(rows[0]).append_only:  # type: ignore[attr-defined]
        return rows
    return list({tuple(getattr(row, name) for name in type(row).key): row for row in rows}.values())  # type: ignore[attr-defined]
