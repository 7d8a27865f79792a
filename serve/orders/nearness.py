"""How near places are to where an order goes, as its history tells it beside the address: places that might serve it
stand there nearest first, as seen from a grid of a tenth of a degree (`serve/availability/places.py`), and with how
long each takes. Some places in such an order come to a point on the map. So whoever is not told the address
is told them by their ids.

Which were asked, in which turn, and what they gave, is how far the order is: that is told of any.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from actors.domain.order_backorder import BackorderTerms, LineAsk, WaitingAsked

_WAITING = WaitingAsked.__name__


def is_corrected(placed: dict[str, Any], present: bytes) -> bool:
    """Was what is sealed of the order corrected since it was placed? placed: the event of that, as the history has it;
    present: what is sealed of the order now. Places were asked with the address of then: what tells how near they are
    tells of that one. Which part was corrected is not looked at: who may not see the former address may lose a ranking
    for a telephone number."""
    return base64.b64decode(placed.get("sealed") or "") != present


def tells_nearness(event: dict[str, Any]) -> bool:
    """Is it an event of the history from which one might see how near places are?"""
    return "places" in event or "transit" in event or "backorder" in event or event.get("type") == _WAITING


def hide_nearness(event: dict[str, Any]) -> None:
    """An event of the history without that, in place."""
    event.pop("transit", None)
    if "places" in event:
        event["places"] = sorted(event["places"], key=_name)
    if event.get("backorder") is not None:
        terms = msgspec.convert(event["backorder"], BackorderTerms)
        barred = dict(sorted(terms.barred.items()))
        event["backorder"] = msgspec.to_builtins(msgspec.structs.replace(terms, lead_ms={}, barred=barred))
    if event.get("type") == _WAITING:
        asks = sorted(msgspec.convert(event["asks"], list[LineAsk]), key=lambda ask: ask.location_id)
        # Numbers go by who is nearer.
        event["asks"] = msgspec.to_builtins([LineAsk(ask.location_id, 0, ask.lines) for ask in asks])


def _name(place: list[Any]) -> str:
    """Of an `allocation.Place` as it stands in the history."""
    name: str = place[0]
    return name
