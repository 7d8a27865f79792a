"""What is still to come to a location: from suppliers, and from other locations. It is no stock yet, but what
can be promised for later."""

from __future__ import annotations

from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.location_commands import Expect
from actors.domain.location_events import Event, IncomingChanged
from actors.domain.location_state import Incoming, Location, Stock
from actors.domain.times import DAY_MS

SOURCES_MAX = 100_000
# For so long a source that has nothing more to send is remembered: what it said earlier may still be under way.
CLOSED_KEPT_MS = 7 * DAY_MS


def expect(location: Location, command: Expect, context: Context) -> list[Event]:
    """What is older than what was said already changes nothing. Raises Refused `incoming.too_many`."""
    known = location.incoming.get(command.source_id)
    if known is not None and known.revision >= command.revision:
        return []
    old, itself = context.now_ms - CLOSED_KEPT_MS, command.source_id
    forgotten = [
        name for name, one in location.incoming.items() if not one.lines and one.changed_at_ms < old and name != itself
    ]
    if known is None and len(location.incoming) - len(forgotten) >= SOURCES_MAX:
        raise Refused("incoming.too_many", f"At most {SOURCES_MAX} sources are expected.", limit=SOURCES_MAX)
    lines = {sku: 0 for sku, _ in known.lines} if known is not None else {}
    lines |= dict(command.lines)
    return [
        IncomingChanged(
            command.source_id, command.source, command.revision, command.expected_at_ms, list(lines.items()), forgotten
        )
    ]


def changed(location: Location, event: IncomingChanged, context: Context) -> None:
    """Takes note of the event."""
    for name in event.forgotten:
        location.incoming.pop(name, None)
    lines = tuple((sku, units) for sku, units in event.lines if units)
    for sku, _ in lines:
        # Whoever waits for it waits here, too, though there never was any.
        location.stock.setdefault(sku, Stock())
    location.incoming[event.source_id] = Incoming(
        event.source, event.revision, event.expected_at_ms, lines, context.now_ms
    )
