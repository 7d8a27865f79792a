"""Money: an integer of minor units with its currency (ISO 4217). 12.99 USD is `Money(1299, "USD")`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.ids import END

# The largest amount that we take: keeps sums of 2,000 lines x 1,000,000 units within PostgreSQL's bigint.
AMOUNT_MAX = 1_000_000_000

Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}" + END, description="ISO 4217 code", examples=["EUR"])]
MinorUnits = Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MAX, description="minor units (cents)", examples=[1299])]


class Money(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An amount in minor units of `currency`; never negative."""

    amount: MinorUnits
    currency: Currency


class Total(msgspec.Struct, frozen=True, gc=False):
    """A sum in minor units of `currency`: of one order at most 2,000 lines x 1,000,000 units x `AMOUNT_MAX`."""

    amount: int
    currency: Currency
