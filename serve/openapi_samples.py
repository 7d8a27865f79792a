"""An example of what a call answers, made from the type of the answer where nobody wrote one.

What a value looks like follows from what it is called, so that an example reads as an answer and not as a list of
types. `test_openapi_samples.py` sees to it that each is one that the type takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import inspect

# By the name of the field; or of its end, after a "_".
_TEXTS: Mapping[str, str] = {
    "order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab",
    "fulfilment_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab.1",
    "location_id": "us-wh-seattle",
    "source_id": "us-wh-seattle",
    "destination_id": "us-st-portland",
    "bin_id": "A-01-03",
    "bin": "A-01-03",
    "sku": "85123A",
    "region": "us",
    "country": "US",
    "postcode": "98101",
    "city": "Seattle",
    "timezone": "America/Los_Angeles",
    "currency": "USD",
    "lot": "L-2611",
    "sscc": "095212340000000426",
    "email": "mia@example.org",
    "customer_ref": "C-1001",
    "order_ref": "WEB-1001",
    "cursor": "eyJhIjoxfQ",
    "next": "eyJhIjoxfQ",
    "version": "1",
    "code": "order.illegal_transition",
    "detail": "A sentence for whoever asked.",
    "name": "Seattle",
    "reason": "recount",
    "token": "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
    "status": "open",
    "event": "OrderPlaced",
    "kind": "order",
    "role": "associate",
    "address": "203.0.113.7",
    "digest": "9f86d081884c7d65",
    "url": "https://example.org/",
    "entity_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab",
    "id": "us-01kah2v3nq7h3k2m9qk4t1x0ab",
    "date": "2026-03-02",
    "on": "2026-03-02",
    "month": "2026-03",
    "cause": "us-01kah2v3nq7h3k2m9qk4t1x0ab.1",
    "reference": "PO-4711",
    "recipient": "Mia Example",
    "street": "12 Pine Street",
    "phone": "+1 206 555 0100",
    "subject": "us-acct-01kah2v3nq7h3k2m9qk4t1x0ab",
    "session_id": "us-sess-01kah2v3nq7h3k2m9qk4t1x0ab",
    "by": "us-acct-01kah2v3nq7h3k2m9qk4t1x0ab",
    "permission": "orders.read",
    "location": "us-wh-seattle",
    "goods": "alcohol",
    "words": "Served from Seattle: nearest with everything.",
    "word": "Served from Seattle: nearest with everything.",
}
_NUMBERS: Mapping[str, float] = {
    "lat": 47.61, "lon": -122.33, "quantity": 2, "units": 2, "amount": 1295, "version": 3, "on_hand": 120, "available": 112,
    "allocated": 8, "line": 1, "percent": 5, "minor": 1295, "km": 12, "s": 900, "ms": 900, "days": 3,
}  # fmt: skip
# Of several values the first of these, since most things are like that most of the time.
_USUAL = (
    "allocated", "held", "open", "active", "online", "warehouse", "sellable", "done", "enrolled", "pending", "ok", "ready", "each", "announced", "none",
)  # fmt: skip
# Lists in which most of the time nothing is.
_SELDOM = ("backordered", "discrepancies", "errors")
# Where what it is called is not of its form.
_FORMS = ("ground", "US", "USD", "85123A", "1", "2026-03-02", "A-01-03", "095212340000000426")
_MOMENT = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
DEPTH_MAX = 12


def sample_of(view: Any) -> Any:
    """Of a msgspec type: what JSON makes of one."""
    return _value(inspect.type_info(view), "", 0)


def _value(kind: inspect.Type, name: str, depth: int) -> Any:
    if isinstance(kind, inspect.Metadata):
        examples = (kind.extra_json_schema or {}).get("examples")
        return examples[0] if examples else _value(kind.type, name, depth)
    if isinstance(kind, inspect.StructType):
        return _struct(kind, depth)
    if isinstance(kind, inspect.UnionType):
        return _value(_likeliest(kind, depth), name, depth)
    if isinstance(kind, inspect.LiteralType):
        return next((value for value in _USUAL if value in kind.values), kind.values[0])
    if isinstance(kind, (inspect.ListType, inspect.VarTupleType)):
        return [] if depth > DEPTH_MAX or name in _SELDOM else [_value(kind.item_type, _singular(name), depth + 1)]
    if isinstance(kind, inspect.TupleType):
        return [_value(item, name, depth + 1) for item in kind.item_types]
    if isinstance(kind, inspect.DictType):
        return {_value(kind.key_type, "sku", depth + 1): _value(kind.value_type, name, depth + 1)}
    return _plain(kind, name)


def _plain(kind: inspect.Type, name: str) -> Any:
    if isinstance(kind, inspect.StrType):
        return _text(kind, name)
    if isinstance(kind, (inspect.IntType, inspect.FloatType)):
        return _number(kind, name)
    if isinstance(kind, inspect.BoolType):
        return False
    if isinstance(kind, inspect.DateTimeType):
        return "2026-03-01T12:00:00Z"
    if isinstance(kind, inspect.DateType):
        return "2026-03-02"
    if isinstance(kind, inspect.BytesType):
        return "AAEC"
    if isinstance(kind, inspect.NoneType):
        return None
    if isinstance(kind, (inspect.AnyType, inspect.RawType)):
        return {}
    raise TypeError(f"no example of {kind} for {name!r}")


def _struct(kind: inspect.StructType, depth: int) -> Any:
    """What is left out when there is nothing to say of it is left out here too."""
    said = [field for field in kind.fields if field.required or not _may_be_absent(field)]
    values = {field.encode_name: _value(field.type, field.name, depth + 1) for field in said}
    if kind.array_like:
        return [*([kind.tag] if kind.tag is not None else []), *values.values()]
    return ({kind.tag_field: kind.tag} if kind.tag_field else {}) | values


def _may_be_absent(field: inspect.Field) -> bool:
    """Msgspec tells of the default UNSET that it is none."""
    return field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT


def _likeliest(kind: inspect.UnionType, depth: int) -> inspect.Type:
    """Something, unless it goes on for ever."""
    some = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
    return some[0] if some and (depth <= DEPTH_MAX or len(some) == len(kind.types)) else inspect.NoneType()


def _singular(name: str) -> str:
    return name.removesuffix("s")


def _by_name(table: Mapping[str, Any], name: str) -> Any:
    """By the whole name or what it ends in: `from_location_id` is a `location_id`."""
    parts = name.split("_")
    return next((found for at in range(len(parts)) if (found := table.get("_".join(parts[at:]))) is not None), None)


def _text(kind: inspect.StrType, name: str) -> str:
    if name.endswith("_at"):
        return _MOMENT.isoformat().replace("+00:00", "Z")
    text = str(_by_name(_TEXTS, name) or name.replace("_", " ") or "text")
    text = text[: kind.max_length] if kind.max_length is not None else text
    if kind.pattern is None or re.search(kind.pattern, text):
        return text
    return next((form for form in _FORMS if re.search(kind.pattern, form)), text)


def _number(kind: inspect.IntType | inspect.FloatType, name: str) -> float:
    found = _by_name(_NUMBERS, name)
    number = 1 if found is None else found
    if isinstance(kind, inspect.IntType):
        number = int(number)
    low, high = kind.ge, kind.le
    if low is not None and number < low:
        return low
    return high if high is not None and number > high else number
