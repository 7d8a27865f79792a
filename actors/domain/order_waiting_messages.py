"""Whom an order tells that it waits, and its customer of dates. The rules are in
`order_waiting.py` and `order_dates.py`."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from actors.domain import ids
from actors.domain.kind import Message
from actors.domain.location_commands import InLine, Release, WaitInLine
from actors.domain.notice import WriteNotice
from actors.domain.order_backorder import (
    CustomerTold,
    DateTold,
    Event,
    LineAnswered,
    OfferReturned,
    WaitingAsked,
)
from actors.domain.times import DAY_MS, moment

# Which text the customer gets: of a part that is there now, and of what he may have at another time than he knew.
TEMPLATE, DATE_TEMPLATE = "order.new_date", "order.date_moved"
_encode = msgspec.json.Encoder().encode


def messages(order_id: str, event: Event) -> Iterable[Message]:
    """Lines are told what the order wants, locations get back what it lacks no more, and the
    customer hears of a date."""
    if type(event) is WaitingAsked:
        for ask in event.asks:
            wait = WaitInLine(
                order_id, ask.number, event.placed_ms, ask.lines, ask.seen, event.channel, event.life_days, event.release, event.whole
            )  # fmt: skip
            yield Message("location", ask.location_id, wait, on_reply=True)
    elif type(event) is OfferReturned:
        yield Message("location", event.location_id, Release(order_id, event.number, event.lines))
    elif type(event) is CustomerTold:
        values = {"fulfilment": str(event.number), "promised_by": moment(event.promised_by_ms).isoformat()}
        until_ms = event.promised_by_ms + DAY_MS
        yield _notice(order_id, TEMPLATE, str(event.number), event.sealed, values, until_ms)
    elif type(event) is DateTold:
        values = {"expected_by": _iso(event.expected_by_ms), "was_expected_by": _iso(event.known_ms)}
        yield _notice(order_id, DATE_TEMPLATE, str(event.number), event.sealed, values, event.until_ms)


def _iso(ms: int | None) -> str:
    return "" if ms is None else moment(ms).isoformat()


def _notice(order_id: str, template: str, of: str, sealed: bytes, values: dict[str, str], until_ms: int) -> Message:
    """One for each thing that is told, however often it is said. Its address is the order's private part, as it is
    sealed with the order (`serve/orders/private.py`); what it says is no secret."""
    region = order_id.partition("-")[0]
    name = ids.notice_id(region, sha256(f"{template}\0{order_id}\0{of}".encode()).digest())
    return Message("notice", name, WriteNotice(template, order_id, sealed, _encode(values), until_ms))


_decode_in_line = msgspec.json.Decoder(InLine).decode


def on_reply(location_id: str, reply: bytes, refused: bool) -> LineAnswered:
    """A location that refuses (it is unknown) has no line."""
    if refused:
        return LineAnswered(location_id, accepted=False)
    told = _decode_in_line(reply)
    return LineAnswered(location_id, told.accepted, told.expected_ms, told.as_of_ms)
