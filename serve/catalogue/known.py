"""Is a SKU known? A replica may not have heard of a new one yet, so the catalogue's actor is asked before one is refused."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.domain.catalogue import KnownSkus, KnownSkusView
from actors.domain.ids import catalogue_id
from serve.availability.index import AvailabilityIndex
from serve.gateway import Gateway
from serve.problems import Problem
from serve.replies import body_of

_known_decoder = msgspec.json.Decoder(KnownSkusView)
# As many places as a caller can use; the rest is counted.
ERRORS_MAX = 100


class KnownSkuCheck:
    """Refuses SKUs that the catalogue does not have."""

    def __init__(self, index: AvailabilityIndex, gateway: Gateway, region: str) -> None:
        self._index = index
        self._gateway = gateway
        self._catalogue = catalogue_id(region)

    async def require(self, skus: Sequence[str], pointer: str, cause: str) -> None:
        """`pointer` has `{}` for the position in `skus`. Raises Problem 422 `sku.unknown` with all the places."""
        unheard = self._index.unknown(skus)
        if not unheard:
            return
        unknown = await self._unknown(list(dict.fromkeys(unheard)), cause)
        if unknown:
            places = [pointer.format(position) for position, sku in enumerate(skus) if sku in unknown]
            detail = "The catalogue has no such SKU."
            raise Problem(
                "sku.unknown",
                f"The catalogue does not have {len(unknown)} of the SKUs.",
                extra={"skus": sorted(unknown)[:ERRORS_MAX]},
                errors=[{"pointer": place, "detail": detail} for place in places[:ERRORS_MAX]],
            )

    async def _unknown(self, skus: list[str], cause: str) -> set[str]:
        reply = await self._gateway.view("catalogue", self._catalogue, KnownSkus(skus), cause=cause)
        return set(skus).difference(_known_decoder.decode(body_of(reply)).skus)
