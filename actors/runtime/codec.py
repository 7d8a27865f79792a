"""Decoders and encoders of a kind, made once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from actors.domain.errors import RefusalBody
from actors.domain.kind import Kind, no_messages

to_json = msgspec.json.Encoder().encode
to_msgpack = msgspec.msgpack.Encoder().encode
from_refusal = msgspec.json.Decoder(RefusalBody).decode


class Codec:
    """The kind with its decoders. `events` are JSON arrays: what people will read in the history."""

    __slots__ = ("command", "events", "has_due", "kind", "query", "sends")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.command = msgspec.msgpack.Decoder(kind.commands).decode
        self.query = msgspec.msgpack.Decoder(kind.queries).decode
        self.events = msgspec.json.Decoder(list[kind.events]).decode  # type: ignore[name-defined]
        self.has_due = kind.wake is not None
        self.sends = kind.messages is not no_messages

    def written(self, events: bytes) -> bytes:
        """The events as they stand in the history."""
        written = self.kind.written
        return events if written is None else to_json([written(event) for event in self.events(events)])


def codecs(kinds: Mapping[str, Kind]) -> dict[str, Codec]:
    """One codec a kind, by name."""
    return {name: Codec(kind) for name, kind in kinds.items()}


def refusal(code: str, detail: str, **extra: Any) -> bytes:
    """A refusal's body as JSON."""
    return to_json(RefusalBody(code, detail, extra))
