"""Is a SKU known, and what is it? A replica may not have heard of a change yet, so the catalogue's actor is asked
before anything is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

import msgspec

from actors.domain.article import NO_DETAILS, Details
from actors.domain.catalogue import DetailsView, ShowDetails
from actors.domain.ids import catalogue_id
from actors.runtime.ports import Clock
from serve.availability.index import AvailabilityIndex
from serve.catalogue.asking import UnheardSkus
from serve.gateway import Gateway
from serve.problems import Problem
from serve.replies import body_of

_T = TypeVar("_T")
_details_decoder = msgspec.json.Decoder(DetailsView)
# As many places as a caller can use; the rest is counted.
ERRORS_MAX = 100


class Catalogue(Protocol):
    """Whoever knows what SKUs are."""

    def details(self, sku: str) -> Details:
        """What is known of the SKU."""


class _Told:
    """What the catalogue has told."""

    def __init__(self, details: dict[str, Details]) -> None:
        self._details = details

    def details(self, sku: str) -> Details:
        return self._details.get(sku, NO_DETAILS)


class KnownSkuCheck:
    """Refuses SKUs that the catalogue does not have."""

    def __init__(self, index: AvailabilityIndex, gateway: Gateway, region: str, clock: Clock) -> None:
        self._index = index
        self._gateway = gateway
        self._catalogue = catalogue_id(region)
        self._asking = UnheardSkus(gateway, self._catalogue, clock)

    async def require(self, skus: Sequence[str], pointer: str, cause: str) -> None:
        """`pointer` has `{}` for the position in `skus`. Raises Problem 422 `sku.unknown` with all the places."""
        unheard = self._index.unknown(skus)
        if not unheard:
            return
        unknown = set(unheard).difference(await self._asking.known(unheard, cause))
        if unknown:
            places = [pointer.format(position) for position, sku in enumerate(skus) if sku in unknown]
            detail = "The catalogue has no such SKU."
            raise Problem(
                "sku.unknown",
                f"The catalogue does not have {len(unknown)} of the SKUs.",
                extra={"skus": sorted(unknown)[:ERRORS_MAX]},
                errors=[{"pointer": place, "detail": detail} for place in places[:ERRORS_MAX]],
            )

    async def judged(self, check: Callable[[Catalogue], _T], skus: Iterable[str], cause: str) -> _T:
        """What `check` makes of what this replica knows of the SKUs; where it raises Problem, of what the
        catalogue itself knows."""
        try:
            return check(self._index)
        except Problem:
            asked = ShowDetails(list(dict.fromkeys(skus)))
            reply = await self._gateway.view("catalogue", self._catalogue, asked, cause=cause)
            return check(_Told(_details_decoder.decode(body_of(reply)).details))
