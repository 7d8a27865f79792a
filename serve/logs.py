"""JSON logs with request id and entity id. Never a customer's reference, an address or a body: logs are kept and passed on."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

from serve.context import ENTITY_ID, REQUEST_ID, current

# Members of our structs that are personal; a log event must not carry them, whoever adds it.
PERSONAL = frozenset({"customer_ref", "customer", "ship_to", "postcode", "city", "lat", "lon", "body", "order_ref"})

Event = MutableMapping[str, Any]


def add_request(logger: Any, method: str, event: Event) -> Event:
    """Adds the ids of the request that is being served."""
    scope = current.get()
    if scope is not None:
        event.setdefault("request_id", scope.get(REQUEST_ID, ""))
        if entity_id := scope.get(ENTITY_ID):
            event.setdefault("entity_id", entity_id)
    return event


def drop_personal(logger: Any, method: str, event: Event) -> Event:
    """Takes out what is personal."""
    for key in PERSONAL.intersection(event):
        del event[key]
    return event


def configure(level: int = logging.INFO) -> None:
    """One JSON object a line on standard output; to be called once in each process that serves."""
    structlog.configure(
        processors=[
            add_request,
            drop_personal,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            # Frames without values of variables: those may hold personal data.
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


log = structlog.get_logger("serve")
