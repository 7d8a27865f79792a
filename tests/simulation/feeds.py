"""What gateways show without being asked, compared with the history: only what was so, all that is so in the end, and
every event while it happens or the word that some are missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from actors.runtime.feed import FEED_TABLES
from tests.simulation.history import CODECS, History
from tests.simulation.storage import Entry
from tests.simulation.told import Screen


def live(screens: Mapping[str, Screen], history: History) -> Iterator[str]:
    """Screens show only what is in the history."""
    for event in (event for screen in screens.values() for event in screen.live):
        entity = history.entities.get((event.kind, event.entity_id))
        turn = (
            next((t for t in entity.turns if t.version == event.version and t.events != b"[]"), None)
            if entity
            else None
        )
        if turn is None or turn.events != event.events:
            yield f"a screen showed {event.entity_id} version {event.version}, which the history does not know"


def shown(rows, history: History) -> Iterator[str]:
    """The availability index shows only stock that was so at some time."""
    known: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for (kind, entity_id), entity in history.entities.items():
        if kind != "location":
            continue
        for view in entity.views.values():
            for stock_ in msgspec.json.decode(view)["stock"]:
                known[f"{entity_id} {stock_['sku']}"].add((stock_["on_hand"], stock_["allocated"]))
    for gateway, what, on_hand, allocated, _ in rows:
        if (on_hand, allocated) not in known[what]:
            yield f"{gateway} showed {what} with {on_hand} on hand, {allocated} allocated, which never was"


def kept(screens: Mapping[str, Screen], history: History) -> Iterator[str]:
    """In the end each living gateway's indexes hold the last row of everything: no older one, none left
    out, none that is gone."""
    latest = {(table, *key): row for table in sorted(FEED_TABLES) for key, row in history.rows.get(table, {}).items()}
    for gateway, screen in sorted(screens.items()):
        there = {key: row for key, row in screen.rows.items() if not getattr(row, "gone", False)}
        for key in sorted(latest.keys() | there.keys()):
            if there.get(key) != latest.get(key):
                yield f"{gateway} still shows {key} as {there.get(key)}, it is {latest.get(key)}"


def left_out(screens: Mapping[str, Screen], entries: Iterable[Entry], killed: Mapping[str, int]) -> Iterator[str]:
    """What becomes durable at a host is told live to who listens there for its screens, or he is told that something is
    missing: by the shard's next owner, when it was on its way as its host was killed."""
    told = {
        gateway: {(event.kind, event.entity_id, event.version) for event in screen.live}
        for gateway, screen in screens.items()
    }
    for entry in entries:
        host = entry.host.partition("#")[0]
        owed = [gateway for gateway, screen in sorted(screens.items()) if screen.owed(host, entry.order)]
        if killed.get(entry.host, entry.order) < entry.order:
            owed = [gateway for gateway in owed if not screens[gateway].told_since(entry.order)]
        for turn in entry.turns if owed else ():
            if turn.events == b"[]" or CODECS[turn.kind].kind.secret:
                continue
            for gateway in owed:
                if (turn.kind, turn.entity_id, turn.version) not in told[gateway]:
                    yield f"{entry.host} did {turn.command_id} of {turn.entity_id} version {turn.version}, {gateway} was not told live"
