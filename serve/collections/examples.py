"""Examples for the document of the API."""

from __future__ import annotations

from typing import Any

_ID = "us-collection-01kah2v3nq7h3k2m9qk4t1x0ab"
_LINES = [{"sku": "85123A", "quantity": 2}]
LOCATED = {"found": _LINES, "shelf": "shelf 12"}
HANDED: dict[str, Any] = {"left": [{"sku": "85123A", "quantity": 1}]}
ANSWER: dict[str, Any] = {
    "collection_id": _ID, "version": 2, "status": "located", "tries_left": 5, "allowed": ["ready"],
}  # fmt: skip
READY = ANSWER | {
    "version": 4,
    "status": "ready",
    "allowed": ["here", "extend", "end", "verify_identity", "renew_code", "verify_code"],
}
VERIFIED = READY | {"version": 5, "verified": "code", "allowed": [*READY["allowed"], "collect"]}
COLLECTED = ANSWER | {"version": 8, "status": "collected", "verified": "code", "allowed": []}
ENDED = ANSWER | {"version": 7, "status": "left_behind", "allowed": []}
_SHOWN: dict[str, Any] = {
    "collection_id": _ID, "version": 1, "status": "locating", "order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab",
    "location_id": "us-st-portland", "shelf": "", "opened_at": "2026-03-01T12:00:00Z", "here_at": None, "ready_at": None,
    "collect_by": None, "late_at": None,
}  # fmt: skip
DETAIL = _SHOWN | {
    "updated_at": "2026-03-01T12:00:00Z", "here_spot": "", "verified": "", "tries_left": 5, "asking": "", "allowed": ["locate"],
    "lines": [{"sku": "85123A", "quantity": 2, "to_find": 2, "by_floor": 0, "bins": [{"bin_id": "A-01-03", "units": 9}]}], "left": [],
    "held": False,
}  # fmt: skip
PAGE = {"collections": [_SHOWN | {"line_count": 1, "units": 2}], "as_of": "2026-03-01T12:00:01Z", "next_cursor": None}
HERE = {"spot": "bay 4"}
RENEWED = READY | {"version": 6}
