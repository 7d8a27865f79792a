"""Examples of the documentation: a delivery of two packages, of which one came with something broken."""

from __future__ import annotations

from typing import Any

_ID = "us-inbound-01kah2v3nq7h3k2m9qk4t1x0ab"
_FIRST, _SECOND = "095212340000000426", "095212340000000433"
_VALUE = {"amount": 450, "currency": "USD"}

NEW: dict[str, Any] = {
    "location_id": "us-wh-seattle", "expected_at": "2026-03-05T08:00:00Z", "supplier_ref": "sup-88", "purchase_ref": "po-4711",
    "asn_ref": "asn-20931", "tolerance_percent": 5,
    "lines": [
        {"line": 10, "sku": "85123A", "quantity": 4, "unit": "case", "unit_value": _VALUE}, {"line": 20, "sku": "HC-50", "quantity": 40},
    ],
    "packages": [
        {"sscc": _FIRST, "lines": [{"sku": "85123A", "quantity": 4, "unit": "case"}]},
        {"sscc": _SECOND, "lines": [{"sku": "HC-50", "quantity": 40, "lot": "L-2026-07", "expires_on": "2026-07-31"}]},
    ],
}  # fmt: skip
STATUS: dict[str, Any] = {
    "inbound_id": _ID, "version": 2, "status": "announced", "outcome": "", "allowed": ["change", "receive", "cancel"],
}  # fmt: skip
CHANGE: dict[str, Any] = {"expected_at": "2026-03-06T08:00:00Z", "removed_lines": [30]}
RECEIPT: dict[str, Any] = {
    "packages": [
        {"sscc": _FIRST, "bin": "A-01-03"},
        {
            "sscc": _SECOND,
            "lines": [
                {"sku": "HC-50", "quantity": 37, "lot": "L-2026-07", "expires_on": "2026-07-31"},
                {"sku": "HC-50", "quantity": 1, "lot": "L-2026-07", "expires_on": "2026-07-31", "condition": "damaged"},
            ],
        },
    ],
    "reference": "dn-77",
}
_RECEIPT_TOLD: dict[str, Any] = {
    "receipt": 1, "status": "booked", "code": "", "detail": "", "reference": "dn-77", "received_at": "2026-03-05T08:12:00Z",
    "packages": [_SECOND],
    "lines": [
        {
            "sku": "HC-50", "quantity": 1, "outcome": "damaged", "over": 0, "condition": "damaged", "lot": "L-2026-07",
            "expires_on": "2026-07-31", "bin": "", "serials": [],
        }
    ],
}  # fmt: skip
RESULT: dict[str, Any] = {"inbound_id": _ID, "version": 5, "status": "receiving", "receipt": _RECEIPT_TOLD}
CLOSURE: dict[str, Any] = {"shortages": [{"sku": "HC-50", "quantity": 2}]}
CLOSED: dict[str, Any] = {
    "inbound_id": _ID, "version": 7, "status": "closed", "outcome": "with_discrepancies", "allowed": [],
}  # fmt: skip
DETAIL: dict[str, Any] = {
    **CLOSED, "location_id": "us-wh-seattle", "supplier_ref": "sup-88", "purchase_ref": "po-4711", "asn_ref": "asn-20931",
    "tolerance_percent": 5, "announced_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-05T09:00:00Z",
    "expected_at": "2026-03-05T08:00:00Z",
    "lines": [
        {
            "line": 20, "sku": "HC-50", "announced": 3, "remaining": 0, "arriving": 0, "received": 1, "over": 0, "under": 2, "unexpected": 0,
            "damaged": 1, "quality_hold": 0, "unit_value": None,
        }
    ],
    "packages": [
        {
            "sscc": _SECOND, "status": "received", "receipt": 1,
            "lines": [{"sku": "HC-50", "quantity": 3, "lot": "L-2026-07", "expires_on": "2026-07-31", "serials": []}],
        }
    ],
    "receipts": [_RECEIPT_TOLD],
    "discrepancies": [{"line": 20, "sku": "HC-50", "under": 2, "over": 0, "unexpected": 0, "damaged": 1}],
}  # fmt: skip
