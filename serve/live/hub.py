"""Hands changes to the live streams that are open here. A slow client is dropped rather than waited
for or buffered without end.

What is told of a change is that it happened and to what. Who ordered, and where it goes, is not told:
anyone may look at a screen.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date, datetime
from typing import Any, Literal, get_args

import msgspec

from actors.domain.floor_service import MARKED_MAX, MARKS, Mark, WorkMarked
from actors.domain.kind import Row
from actors.domain.location_events import ExpiryNear, PromisesAtRisk, StockRanOut, StockRunsLow
from actors.domain.order_events import OrderRectified, PersonForgotten
from actors.domain.times import moment
from actors.runtime.wire import LiveEvent
from serve.days import date_of
from serve.problems import Problem

LiveKind = Literal["order", "location", "floor", "collection"]
KINDS: frozenset[str] = frozenset({"order", "location", "floor", "collection", "figures"})
_OF_PLACES = frozenset({"location", "floor"})
# What hosts tell by themselves.
_OF_HOSTS = KINDS - {"figures"}
# Of collections it is told what the store has to do something about.
_OF_COLLECTIONS = frozenset({"PickupOpened", "CustomerHere", "StoreLate", "LeftToPeople"})
CHANGES_MAX = 100
# After how long a client comes back: each of many at another moment.
RETRY_MS = 1_000
RETRY_SPREAD_MS = 4_000
# How long the first stream waits until all hosts have heard of it, and how often it looks.
BEGIN_S_MAX = 3.0
_LOOK_S = 0.02
_STRIDE_MS = 1_237


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened. `type`: the event's. Of orders, `to`: the status that fulfilments reached. Of stock: the
    SKU, why, and by how many units. Of what somebody should look at: `StockRunsLow` with what is `available` and the
    reorder point, `StockRanOut`, `PromisesAtRisk` with the `units` that are promised and not there or not for sale any
    more, `ExpiryNear` with the lot, its `units` and its last good day. Of floors only `WorkAtRisk`: a fulfilment that
    has come to its `mark` (warn, urgent, breach), with its due time and the priority that it has now."""

    type: str
    to: str = ""
    sku: str = ""
    reason: str = ""
    on_hand_delta: int = 0
    allocated_delta: int = 0
    lot: str = ""
    units: int | None = None
    available: int | None = None
    reorder_point: int | None = None
    expires_on: date | None = None
    fulfilment_id: str = ""
    mark: Mark = ""
    priority: int | None = None
    due_at: datetime | None = None


class LiveChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """The data of one server-sent event. `at`: UTC ms. `more`: changes left out of a very long list."""

    kind: LiveKind
    entity_id: str
    version: int
    at: int
    changes: list[Change]
    more: int = 0


class _Event(msgspec.Struct):
    """What we read of a domain event, whatever its type."""

    type: str
    to: str = ""
    entries: list[tuple[Any, ...]] = []
    location_id: str = ""


_events_decoder = msgspec.json.Decoder(list[_Event])
_raw_decoder = msgspec.json.Decoder(list[msgspec.Raw])
# What somebody should look at, by the event's type.
_Alert = ExpiryNear | PromisesAtRisk | StockRanOut | StockRunsLow
_alert_decoder = msgspec.json.Decoder(_Alert)
_ALERTS = frozenset(alert.__name__ for alert in get_args(_Alert))
_marked_decoder = msgspec.json.Decoder(WorkMarked)
# As it stands in an event's JSON; no id or SKU can hold quotes unescaped.
_MARKED = b'"type":"WorkMarked"'
# That somebody was erased is nobody's business who looks: the order is told to know otherwise whose it is.
_SAID_AS = {PersonForgotten.__name__: OrderRectified.__name__}
_encode = msgspec.json.Encoder().encode
RECONNECT = b"event: reconnect\ndata: {}\n\n"
HEARTBEAT = b": heartbeat\n\n"
DROPPED = b": dropped, this client reads too slowly; connect again\n\n"


class LiveStream:
    """One client: what it has not read yet, bounded. `last_words`: why the stream ends, set when it is to end.
    `sessions`: of who looks, and of the device that they look at it on; none when nobody asked; `locations`: of which
    stock is told, empty for all; `retry_ms`: how long a browser waits before it comes back.
    `begun`: somebody reads it; before that it keeps what it can. `ended` is called when it is to end: a client that
    reads nothing is not at its next frame to hear of it."""

    __slots__ = (
        "_pending",
        "_queue_max",
        "_retry_ms",
        "_wake",
        "begun",
        "ended",
        "kinds",
        "last_words",
        "locations",
        "sessions",
    )

    def __init__(
        self, kinds: frozenset[str], queue_max: int, sessions: frozenset[str], locations: frozenset[str], retry_ms: int
    ) -> None:
        self.kinds = kinds
        self.locations = locations
        self.sessions = sessions
        self.last_words = b""
        self._queue_max = queue_max
        self._retry_ms = retry_ms
        self._pending: list[bytes] = []
        self._wake = asyncio.Event()
        self.begun = False
        self.ended: Callable[[], None] | None = None

    def put(self, text: bytes) -> None:
        """One event more; a client that has too many unread is dropped."""
        if self.last_words:
            return
        if len(self._pending) >= self._queue_max:
            if self.begun:
                self.end(DROPPED)
                return
            self._pending.clear()  # the client reads what it follows when it sees the beginning
        self._pending.append(text)
        self._wake.set()

    def end(self, last_words: bytes) -> None:
        """Ends the stream; what is unread is not sent any more."""
        if not self.last_words:
            self.last_words = last_words
            self._pending.clear()
            self._wake.set()
            if self.ended is not None:
                self.ended()

    async def frames(self, heartbeat_s: float, stream_max_s: float) -> AsyncIterator[bytes]:
        """What to send, until the end."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + stream_max_s
        self.begun = True
        yield b"retry: %d\n\n" % self._retry_ms
        while not self.last_words:
            left_s = ends - loop.time()
            if left_s <= 0:
                break
            try:
                async with asyncio.timeout(min(left_s, heartbeat_s)):
                    await self._wake.wait()
            except TimeoutError:
                yield HEARTBEAT
                continue
            self._wake.clear()
            if self._pending:
                text = b"".join(self._pending)
                self._pending.clear()
                yield text
        yield self.last_words or RECONNECT


class LiveHub:
    """The open streams of this replica. `want_live` is told when the first comes and the last leaves for good;
    `is_told_live` says whether all hosts have heard of it."""

    def __init__(
        self,
        want_live: Callable[[bool], None],
        is_told_live: Callable[[], bool],
        *,
        clients_max: int,
        queue_max: int,
        heartbeat_s: float,
        stream_max_s: float,
    ) -> None:
        self._want_live = want_live
        self._is_told_live = is_told_live
        self._live_wanted = self._figures_wanted = self._awaited = False
        self._joined = 0
        # Told when the first stream of figures comes and the last leaves.
        self.want_figures: Callable[[bool], None] = lambda wanted: None
        self._clients: set[LiveStream] = set()
        self._clients_max = clients_max
        self._queue_max = queue_max
        self._heartbeat_s = heartbeat_s
        self._stream_max_s = stream_max_s

    @property
    def clients(self) -> int:
        """Open streams."""
        return len(self._clients)

    # --- feed
    def reset(self, host: str) -> None:
        """Whoever follows what hosts tell has missed some of it: he comes back, and reads anew. He is waited for, so
        that the hosts go on telling."""
        for client in self._clients:
            if not client.kinds.isdisjoint(_OF_HOSTS):
                self._awaited = True
                client.end(RECONNECT)

    def rows(self, rows: Sequence[Row]) -> None:
        """Rows are for the index."""

    def live(self, event: LiveEvent) -> None:
        """Gives the change to every stream that wants its kind; encoded once."""
        if event.kind == "collection":
            self._collection(event)
            return
        text = b""
        for client in self._clients:
            if event.kind in client.kinds and (
                not client.locations or event.kind not in _OF_PLACES or event.entity_id in client.locations
            ):
                text = text or _frame(event)
                if not text:
                    return
                client.put(text)

    def figures(self, name: str, location_id: str, at_ms: int, data: bytes) -> None:
        """Gives figures of a location ("" of the region) to every stream that wants any and reaches there."""
        text = b"id: %s.%d\nevent: figures\ndata: %s\n\n" % (name.encode(), at_ms, data)
        for client in self._clients:
            if "figures" in client.kinds and (not client.locations or location_id in client.locations):
                client.put(text)

    def _collection(self, event: LiveEvent) -> None:
        """Of the stores that a client looks at. Where the customer waits is read from the collection."""
        wanting = [client for client in self._clients if "collection" in client.kinds]
        told = [one for one in _events_decoder.decode(event.events) if one.type in _OF_COLLECTIONS] if wanting else []
        if not told:
            return
        data = LiveChange("collection", event.entity_id, event.version, event.at_ms, [Change(one.type) for one in told])
        text = _written(event, b"collection", data)
        for client in wanting:
            if not client.locations or told[0].location_id in client.locations:
                client.put(text)

    # --- streams
    def join(
        self,
        kinds: frozenset[str],
        session_id: str = "",
        locations: frozenset[str] = frozenset(),
        device_session: str = "",
    ) -> LiveStream:
        """A stream of the kinds asked for, to be left with `leave`. Raises Problem 429 when there are too many."""
        if len(self._clients) >= self._clients_max:
            detail = f"This replica serves at most {self._clients_max} live streams."
            raise Problem("live.too_many", detail, extra={"limit": self._clients_max})
        # Many may be sent away at once: they come back one after the other.
        self._joined += 1
        retry_ms = RETRY_MS + self._joined * _STRIDE_MS % RETRY_SPREAD_MS
        sessions = frozenset({session_id, device_session}) - {""}
        stream = LiveStream(kinds, self._queue_max, sessions, locations, retry_ms)
        self._clients.add(stream)
        self._awaited = self._awaited and kinds.isdisjoint(_OF_HOSTS)
        self._tell_wanted()
        return stream

    async def begun(self, stream: LiveStream) -> None:
        """Returns when nothing that happens from now on is missed: a client reads what it follows as soon as it sees
        its stream begin. Hosts hear with their next poll that there are screens, within a second; when one does not,
        the client is told to come back."""
        loop = asyncio.get_running_loop()
        until = loop.time() + BEGIN_S_MAX
        while not (stream.kinds.isdisjoint(_OF_HOSTS) or stream.last_words or self._is_told_live()):
            if loop.time() >= until:
                stream.end(RECONNECT)
            await asyncio.sleep(_LOOK_S)

    def leave(self, stream: LiveStream) -> None:
        """The client is gone."""
        if stream in self._clients:
            self._clients.discard(stream)
            self._tell_wanted()

    def _tell_wanted(self) -> None:
        live = self._awaited or any(not client.kinds.isdisjoint(_OF_HOSTS) for client in self._clients)
        if live != self._live_wanted:
            self._live_wanted = live
            self._want_live(live)
        figures = any("figures" in client.kinds for client in self._clients)
        if figures != self._figures_wanted:
            self._figures_wanted = figures
            self.want_figures(figures)

    def frames(self, stream: LiveStream, seconds: float | None = None) -> AsyncIterator[bytes]:
        """What to send to the client, for at most so many seconds."""
        return stream.frames(self._heartbeat_s, self.longest_s(seconds))

    def longest_s(self, seconds: float | None = None) -> float:
        """How long a stream lasts that may last for so many seconds."""
        return min(self._stream_max_s, seconds or self._stream_max_s)

    def end_session(self, session_id: str) -> None:
        """Ends the streams of a session that has ended."""
        for client in self._clients:
            if session_id in client.sessions:
                client.end(RECONNECT)

    def close(self) -> None:
        """Ends all streams: the clients are told to come back, to another replica."""
        for client in self._clients:
            client.end(RECONNECT)


def _written(event: LiveEvent, kind: bytes, data: LiveChange) -> bytes:
    return b"id: %s.%d\nevent: %s\ndata: %s\n\n" % (event.entity_id.encode(), event.version, kind, _encode(data))


def _frame(event: LiveEvent) -> bytes:
    """b"" when there is nothing to tell of it."""
    if event.kind == "floor":
        return _floor_frame(event)
    changes: list[Change] = []
    told = _events_decoder.decode(event.events)
    for change in told:
        if event.kind == "order":
            changes.append(Change(_SAID_AS.get(change.type, change.type), change.to))
        for sku, _quantity, on_hand, allocated, reason, *_ in change.entries:
            changes.append(Change(change.type, "", sku, reason, on_hand, allocated))
    # Before the long list: they are few, and must not be left out of it.
    changes[:0] = _alerts(event, told)
    left_out = max(0, len(changes) - CHANGES_MAX)
    kind: LiveKind = "order" if event.kind == "order" else "location"
    data = LiveChange(kind, event.entity_id, event.version, event.at_ms, changes[:CHANGES_MAX], left_out)
    return _written(event, kind.encode(), data)


def _floor_frame(event: LiveEvent) -> bytes:
    """All that a floor does is for those who work there; what is late, for everybody who looks. No more than
    MARKED_MAX of an event."""
    if _MARKED not in event.events:
        return b""
    whole = _raw_decoder.decode(event.events)
    marked = [_marked_decoder.decode(raw) for raw in whole if _MARKED in bytes(raw)]
    changes = [
        Change(
            "WorkAtRisk", fulfilment_id=one.fulfilment_id, mark=MARKS[one.mark], priority=one.priority, due_at=moment(one.due_ms)
        )
        for event_ in marked
        for one in event_.works
    ]  # fmt: skip
    return _written(
        event, b"floor", LiveChange("floor", event.entity_id, event.version, event.at_ms, changes[:MARKED_MAX])
    )


def _alerts(event: LiveEvent, told: Sequence[_Event]) -> list[Change]:
    """Mostly none."""
    if event.kind != "location" or _ALERTS.isdisjoint(one.type for one in told):
        return []
    whole = _raw_decoder.decode(event.events)
    return [_alert(_alert_decoder.decode(raw)) for one, raw in zip(told, whole, strict=True) if one.type in _ALERTS]


def _alert(alert: _Alert) -> Change:
    name = type(alert).__name__
    if type(alert) is ExpiryNear:
        return Change(name, sku=alert.sku, lot=alert.lot, units=alert.units, expires_on=date_of(alert.expires_on))
    if type(alert) is StockRunsLow:
        return Change(name, sku=alert.sku, available=alert.available, reorder_point=alert.reorder_point)
    if type(alert) is PromisesAtRisk:
        return Change(name, sku=alert.sku, units=alert.units)
    return Change(name, sku=alert.sku, available=0)
