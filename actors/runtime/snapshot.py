"""What a host tells a gateway that knows nothing of it: the rows of all residents in its memory, piece by piece."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from actors.domain.kind import Row
from actors.runtime.codec import Codec
from actors.runtime.shard import Entity, Key, Shard


class _Begun(NamedTuple):
    """A resident with more rows than fitted into a piece, and the state that the others are made of."""

    number: int
    key: Key
    entity: Entity
    state: Any
    rest: Iterator[Row]


class Snapshot:
    """The residents that one gateway has not been told of."""

    def __init__(self, codecs: Mapping[str, Codec], shards: Mapping[int, Shard]) -> None:
        self._codecs = codecs
        resident = {name for name, codec in codecs.items() if codec.kind.resident}
        self._untold = deque(
            (number, key) for number, shard in shards.items() for key in shard.entities if key[0] in resident
        )
        self._begun: _Begun | None = None
        # Of whom the last piece told.
        self._last: list[tuple[int, Key]] = []

    @property
    def told(self) -> bool:
        """Is everything told?"""
        return not self._untold and self._begun is None

    def add(self, number: int, key: Key) -> None:
        """A resident has come into memory, in the shard of that number."""
        self._untold.append((number, key))

    def take_back(self) -> None:
        """The last piece was told to nobody: whom it was about is told of again, all of him."""
        self._begun = None
        self._untold.extend(self._last)
        self._last = []

    def piece(self, shards: Mapping[int, Shard], rows_max: int) -> list[tuple[Shard, Row]]:
        """The next rows, as residents are now, each with its shard. Left out is who went with his shard: whoever
        loads him next tells of him."""
        rows: list[tuple[Shard, Row]] = []
        self._last = []
        while len(rows) < rows_max:
            begun, self._begun = self._begun, None
            if begun is None:
                if not self._untold:
                    break
                number, key = self._untold.popleft()
            else:
                number, key = begun.number, begun.key
            shard = shards.get(number)
            entity = shard.entities.get(key) if shard is not None else None
            if shard is None or entity is None:
                continue
            if begun is None or begun.entity is not entity or begun.state is not entity.state:
                # Of a state that another took the place of nothing is true any more.
                rest = iter(self._codecs[key[0]].kind.feed(key[1], entity.state, entity.version))
                begun = _Begun(number, key, entity, entity.state, rest)
            self._last.append((number, key))
            room = rows_max - len(rows)
            some = list(islice(begun.rest, room))
            rows.extend((shard, row) for row in some)
            if len(some) == room:
                self._begun = begun
        return rows
