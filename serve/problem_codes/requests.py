"""Of the request itself, and where it belongs."""

from __future__ import annotations

from serve.problem_codes.entry import Entry

CODES: dict[str, Entry] = {
    "request.route_unknown": Entry(404, "No such resource"),
    "request.method_not_allowed": Entry(405, "Method not allowed"),
    "request.content_type": Entry(415, "Body is of another type"),
    "request.malformed": Entry(400, "Not valid HTTP"),
    "request.headers_too_large": Entry(431, "Headers are too large"),
    "request.parameter_invalid": Entry(422, "Parameter is not valid"),
    "request.parameter_unknown": Entry(422, "No such parameter"),
    "request.parameter_repeated": Entry(422, "Parameter is given twice"),
    "request.fault": Entry(500, "Internal error"),
    "body.too_large": Entry(413, "Body is too large"),
    "body.too_slow": Entry(408, "Body did not arrive in time"),
    "body.not_utf8": Entry(400, "Body is not UTF-8"),
    "body.malformed_json": Entry(400, "Body is not JSON"),
    "body.unknown_field": Entry(422, "Unknown field"),
    "body.missing_field": Entry(422, "Field is missing"),
    "body.invalid": Entry(422, "Field is not valid"),
    "idempotency.key_missing": Entry(400, "Idempotency-Key is missing"),
    "idempotency.key_invalid": Entry(400, "Idempotency-Key is not valid"),
    "idempotency.key_reused": Entry(422, "Idempotency-Key was used for another request"),
    "cursor.invalid": Entry(400, "Cursor is not valid"),
    "payment.pan_refused": Entry(422, "Card numbers are not taken"),
    "region.misdirected": Entry(421, "Another region serves this"),
    "country.not_served": Entry(422, "Country is not served"),
}
