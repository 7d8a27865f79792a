"""Types of fields that several nouns share, with their limits. OpenAPI gets its schemas from these very types."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from actors.domain import ids

END = ids.END

# No control characters (NUL above all: PostgreSQL's text can't hold it).
TEXT = r"^[^\u0000-\u001f\u007f-\u009f]*" + END
SKUS_PER_QUERY_MAX = 50
PAGE_DEFAULT = 50
PAGE_MAX = 500
ITEMS_MAX = 1_000
LINES_MAX = 2_000
UNITS_MAX = 1_000_000
# What every reader of JSON takes exactly (RFC 8259, 6). JSON knows no end of numbers, but what goes between processes
# does: a larger one would be a crash.
EXACT_MAX = 2**53 - 1

Sku = Annotated[
    str,
    Meta(
        min_length=1, max_length=64, pattern=TEXT, description="stock keeping unit, case sensitive", examples=["85123A"]
    ),
]
Reference = Annotated[str, Meta(max_length=64, pattern=TEXT)]
Text = Annotated[str, Meta(max_length=200, pattern=TEXT)]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=TEXT)]
Country = Annotated[
    str, Meta(min_length=2, max_length=2, pattern="^[A-Z]{2}" + END, description="ISO 3166-1 alpha-2", examples=["US"])
]
# What makes an address besides, `identity/emails.py` says.
EmailText = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=254,
        pattern=TEXT,
        description="an e-mail address (RFC 5321)",
        examples=["mia@example.com"],
    ),
]
Quantity = Annotated[int, Meta(ge=1, le=UNITS_MAX, description="base units of the SKU", examples=[2])]
SignedQuantity = Annotated[int, Meta(ge=-UNITS_MAX, le=UNITS_MAX, description="base units, may be negative")]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="degrees", examples=[47.61])]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="degrees", examples=[-122.33])]
Lot = Annotated[
    str,
    Meta(max_length=64, pattern=TEXT, description="lot or serial number, empty for none", examples=["L-2026-07"]),
]
BinId = Annotated[
    str,
    Meta(
        max_length=32,
        pattern="^[A-Z0-9][A-Z0-9-]{0,31}" + END,
        description="capital letters, digits and dashes",
        examples=["A-01-03"],
    ),
]
BinIdOrNone = Annotated[
    str,
    Meta(
        max_length=32,
        pattern="^([A-Z0-9][A-Z0-9-]{0,31})?" + END,
        description="a bin: capital letters, digits and dashes; empty for none",
        examples=["A-01-03"],
    ),
]
