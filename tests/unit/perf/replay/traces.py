"""Rows and traces for the tests of the replay."""

import csv
import io
from typing import Any

from perf.replay.trace import Rejection, TraceLine, check_row

ROW = {
    "ordered_at": "2020-01-01T10:00:00",
    "trace": "shop",
    "order_ref": "1",
    "line_no": "1",
    "channel": "online",
    "customer_ref": "c1",
    "country": "US",
    "city": "",
    "postcode": "",
    "lat": "",
    "lon": "",
    "sku": "A",
    "description": "Apple",
    "quantity": "2",
    "unit_price_minor": "100",
    "currency": "USD",
    "final_status": "shipped",
    "raw_status": "",
    "shipped_at": "",
    "delivered_at": "",
}


def row(**changes: Any) -> dict[str, str]:
    """The fields of a good row with these changed."""
    return {**ROW, **{name: str(value) for name, value in changes.items()}}


def line(**changes: Any) -> TraceLine:
    """A checked row."""
    checked = check_row(1, row(**changes))
    assert not isinstance(checked, Rejection), checked
    return checked


def csv_of(*rows: dict[str, str]) -> str:
    """The rows as a file's text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(ROW), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
