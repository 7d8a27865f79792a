"""What the audit keeps of lists of orders: whose they were asked for or which, and how many were told. The monitor
counts them as orders that somebody looked at."""

from __future__ import annotations

from starlette.requests import Request

from actors.domain.audit import Changes
from serve.audit.who import pseudonym
from serve.services import Services


async def note_list(
    services: Services, request: Request, orders: int, cursor: str | None, *, kind: str = "", whose: str = "", status: str | None = None, held: str | None = None,
) -> None:  # fmt: skip
    """Writes down that so many orders are about to be told, and whether they go on from a page before (`cursor`). kind,
    whose: by what of a person they were looked for, and its value in the clear; "" for neither. Raises Problem 503 when
    that can't be written down."""
    keys = None if services.keys is None else services.keys.current(services.clock.monotonic())
    behalf = pseudonym(keys, kind, whose) if whose and keys is not None else ""
    named = {"status": status, "held": held, "page": "next" if cursor else None}
    told: Changes = {"orders": (None, orders)} | {name: (None, value) for name, value in named.items() if value}
    await services.trail.read(request.scope, "order.search", "", "", behalf, told)
