"""Reads an order trace row by row (`rows.py`): CSV or gzipped CSV in, checked lines and named rejections out.

A row that can't be taken never stops the reading and never raises: it becomes a `Rejection` with its place in the file
and reason. Only what makes the whole file useless (no such file, no usable header, a broken gzip
stream) is a `TraceError`.
"""

import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, cast

from perf.replay.rows import Rows
from serve.payments.pan import json_holds_pan

REQUIRED_COLUMNS: Final = (
    "ordered_at",
    "trace",
    "order_ref",
    "line_no",
    "sku",
    "quantity",
    "unit_price_minor",
    "currency",
    "final_status",
)
CHANNELS: Final = ("online", "store", "marketplace")
FINAL_STATUSES: Final = ("delivered", "shipped", "cancelled", "returned", "lost", "processing")

# The cell's limits (see the API): a row beyond them would be refused there, so it is named here,
# with its place in the file.
QUANTITY_MAX: Final = 1_000_000
SKU_CHARS_MAX: Final = 64
REFERENCE_CHARS_MAX: Final = 64
CUSTOMER_CHARS_MAX: Final = 64
POSTCODE_CHARS_MAX: Final = 64
CITY_CHARS_MAX: Final = 100
PRICE_MINOR_MAX: Final = 10**12
# Ours: they bound the memory of the reader (a row's characters are in rows.py).
LINE_NO_MAX: Final = 10_000
DESCRIPTION_CHARS_MAX: Final = 150  # so that 1,000 SKUs fit in the 1 MiB of one body, whatever the script
RAW_STATUS_CHARS_MAX: Final = 100

_GZIP_MAGIC: Final = b"\x1f\x8b"
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_TRACE_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_COUNTRY = re.compile(r"[A-Z]{2}")


class TraceError(Exception):
    """The file as a whole can't be used; the message says why and what would be right."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that can't be taken. `row`: the number of its first line in the file, as an editor
    counts; the header's is 1."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One order line of the source; `row` as in `Rejection`.

    `quantity` is in base units, negative for a credit note or stock adjustment; `unit_price_minor` in minor currency
    units; the times are the source's wall clock taken as UTC, since no source states an offset.
    """

    row: int
    ordered_at: datetime
    trace: str
    order_ref: str
    line_no: int
    channel: str
    customer_ref: str
    country: str
    city: str
    postcode: str
    lat: float | None
    lon: float | None
    sku: str
    description: str
    quantity: int
    unit_price_minor: int
    currency: str
    final_status: str
    raw_status: str
    shipped_at: datetime | None
    delivered_at: datetime | None

    @property
    def reference(self) -> str:
        """The name of the order in the cell: unique over all traces."""
        return f"{self.trace}:{self.order_ref}"


class _Unusable(Exception):
    """Internal: this row is rejected for this reason."""


class _HashingReader(io.RawIOBase):
    """Passes bytes through while computing their SHA-256, so that one pass both reads and identifies the trace."""

    def __init__(self, source: IO[bytes], digest: "hashlib._Hash") -> None:
        self._source = source
        self._digest = digest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        data = self._source.read(len(view))
        view[: len(data)] = data
        self._digest.update(data)
        return len(data)

    def close(self) -> None:
        self._source.close()
        super().close()


class TraceReader:
    """Iterates over the rows of one trace; memory does not grow with the length of the file.

    After the iteration `sha256` is that of the uncompressed content, and `joined` the number of rows that go over
    several lines. Raises TraceError where the file is unusable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest = hashlib.sha256()
        self.joined = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[TraceLine | Rejection]:
        self._digest = hashlib.sha256()
        row = 0
        try:
            with self._open() as text:
                for row, fields in self._records(text):
                    yield fields if isinstance(fields, Rejection) else check_row(row, fields)
        except (OSError, EOFError, zlib.error) as error:
            where = f" behind line {row}" if row else ""
            raise TraceError(f"{self._path} can't be read{where}: {error}") from error

    def _open(self) -> io.TextIOWrapper:
        with self._path.open("rb") as start:
            opener = gzip.open if start.read(2) == _GZIP_MAGIC else open
        source = cast(IO[bytes], opener(self._path, "rb"))
        hashing = io.BufferedReader(_HashingReader(source, self._digest), buffer_size=1 << 18)
        # Bytes that are no UTF-8 become surrogates: the row that holds them is named, the others are unharmed. A byte
        # order mark goes before anything is parsed: left there, it would stand before the quote of a quoted header.
        return io.TextIOWrapper(hashing, encoding="utf-8-sig", errors="surrogateescape", newline="")

    def _records(self, text: io.TextIOWrapper) -> Iterator[tuple[int, dict[str, str] | Rejection]]:
        rows = Rows(text)
        header = self._header(rows)
        for number, found in rows.numbered(len(header)):
            if isinstance(found, str):
                yield number, Rejection(number, found)
            else:
                yield number, dict(zip(header, found, strict=True))
        self.joined = rows.joined

    def _header(self, rows: Rows) -> list[str]:
        try:
            header = [name.strip() for name in rows.header()]
        except StopIteration:
            raise TraceError(f"{self._path} is empty: a header with {', '.join(REQUIRED_COLUMNS)} is needed") from None
        except csv.Error as error:
            raise TraceError(f"{self._path} has no CSV header: {error}") from error
        missing = [name for name in REQUIRED_COLUMNS if name not in header]
        if missing:
            raise TraceError(f"{self._path} lacks the column(s) {', '.join(missing)}")
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise TraceError(f"{self._path} has the column(s) {', '.join(twice)} more than once")
        return header


def check_row(row: int, fields: dict[str, str]) -> TraceLine | Rejection:
    """One record as a line, or the reason why it can't be taken. Never raises."""
    try:
        return _line(row, fields)
    except _Unusable as unusable:
        return Rejection(row, str(unusable))


def _line(row: int, fields: dict[str, str]) -> TraceLine:
    for name, value in fields.items():
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise _Unusable(f"{name} is not UTF-8")
    trace = fields["trace"]
    if not _TRACE_NAME.fullmatch(trace):
        raise _Unusable("trace must be 1 to 40 letters, digits or . _ -")
    _without_card_number("trace", trace)
    order_ref = _text(fields, "order_ref", REFERENCE_CHARS_MAX - len(trace) - 1, required=True)
    _without_card_number("order_ref", order_ref)
    quantity = _integer(fields, "quantity", -QUANTITY_MAX, QUANTITY_MAX)
    if quantity == 0:
        raise _Unusable("quantity is 0")
    price_minor = _integer(fields, "unit_price_minor", 0, PRICE_MINOR_MAX)
    _without_card_number("unit_price_minor", str(price_minor))
    return TraceLine(
        row=row,
        ordered_at=_required_time(fields, "ordered_at"),
        trace=trace,
        order_ref=order_ref,
        line_no=_integer(fields, "line_no", 1, LINE_NO_MAX),
        channel=_one_of(fields, "channel", CHANNELS, CHANNELS[0]),
        customer_ref=_optional_text(fields, "customer_ref", CUSTOMER_CHARS_MAX),
        country=_code(fields, "country", _COUNTRY, "an ISO 3166 alpha-2 code") if fields.get("country") else "",
        city=_optional_text(fields, "city", CITY_CHARS_MAX),
        postcode=_optional_text(fields, "postcode", POSTCODE_CHARS_MAX),
        lat=_degrees(fields, "lat", 90),
        lon=_degrees(fields, "lon", 180),
        sku=_sku(fields),
        description=_description(fields),
        quantity=quantity,
        unit_price_minor=price_minor,
        currency=_code(fields, "currency", _CURRENCY, "an ISO 4217 code"),
        final_status=_one_of(fields, "final_status", FINAL_STATUSES),
        raw_status=_text(fields, "raw_status", RAW_STATUS_CHARS_MAX),
        shipped_at=_time(fields, "shipped_at"),
        delivered_at=_time(fields, "delivered_at"),
    )


def _text(fields: dict[str, str], name: str, chars_max: int, required: bool = False) -> str:
    value = fields.get(name, "")
    if required and not value.strip():
        raise _Unusable(f"{name} is empty")
    if len(value) > chars_max:
        raise _Unusable(f"{name} is longer than {chars_max} characters")
    if not value.isprintable():
        raise _Unusable(f"{name} has unprintable characters")
    return value


def _sku(fields: dict[str, str]) -> str:
    """Looked at as what it is: a cell takes the number of a card for a SKU where it is a GTIN."""
    sku = _text(fields, "sku", SKU_CHARS_MAX, required=True)
    if json_holds_pan(json.dumps({"sku": sku}).encode()):
        raise _Unusable("sku looks like a card's number")
    return sku


def _without_card_number(name: str, value: str) -> None:
    """A cell takes no number of a card, and would refuse the whole body; what names the order or
    counts can't be left out."""
    if holds_card_number(value):
        raise _Unusable(f"{name} looks like a card's number")


def _optional_text(fields: dict[str, str], name: str, chars_max: int) -> str:
    """Left out if a cell would take it for a card's number: no figure depends on it, so the order goes on without."""
    text = _text(fields, name, chars_max)
    return "" if holds_card_number(text) else text


def _description(fields: dict[str, str]) -> str:
    """Cut and cleaned rather than refused, left out if a cell would take it for a card's number: a
    description decides nothing."""
    printable = "".join(c if c.isprintable() else " " for c in fields.get("description", ""))
    text = printable.strip()[:DESCRIPTION_CHARS_MAX]
    return "" if holds_card_number(text) else text


def holds_card_number(text: str) -> bool:
    """Would a cell refuse a body with this text in it?"""
    return json_holds_pan(json.dumps(text).encode())


def _integer(fields: dict[str, str], name: str, low: int, high: int) -> int:
    text = fields[name].strip()
    if not _INTEGER.fullmatch(text):
        raise _Unusable(f"{name} is not a whole number")
    value = int(text)
    if not low <= value <= high:
        raise _Unusable(f"{name} is outside {low}..{high}")
    return value


def _degrees(fields: dict[str, str], name: str, limit: int) -> float | None:
    text = fields.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise _Unusable(f"{name} is not a number") from None
    if not -limit <= value <= limit:  # NaN fails this too
        raise _Unusable(f"{name} is outside -{limit}..{limit}")
    return value


def _code(fields: dict[str, str], name: str, pattern: re.Pattern[str], what: str) -> str:
    value = fields[name]
    if not pattern.fullmatch(value):
        raise _Unusable(f"{name} is not {what}")
    return value


def _one_of(fields: dict[str, str], name: str, allowed: tuple[str, ...], default: str = "") -> str:
    value = fields.get(name, "") or default
    if value not in allowed:
        raise _Unusable(f"{name} is none of {', '.join(allowed)}")
    return value


def _required_time(fields: dict[str, str], name: str) -> datetime:
    value = _time(fields, name)
    if value is None:
        raise _Unusable(f"{name} is empty")
    return value


def _time(fields: dict[str, str], name: str) -> datetime | None:
    text = fields.get(name, "").strip()
    if not text:
        return None
    try:
        value = datetime.fromisoformat(text)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Unusable(f"{name} is not an ISO 8601 time") from None
