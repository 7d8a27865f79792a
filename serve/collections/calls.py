"""What the routes of collections share: who asks, and of which collection."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import Path, Request

from actors.domain.collection_commands import Command
from actors.domain.collection_state import CollectionStatusView, CollectionView, ViewCollection
from actors.domain.ids import COLLECTION_PATTERN
from actors.domain.location_events import Units
from actors.domain.location_floor import ContentsView, ViewContents
from actors.domain.times import moment
from serve.callers import reach_of
from serve.catalogue.known import KnownSkuCheck
from serve.collections.schemas import CollectionAnswer, CollectionDetail, CollectionLine, LyingUnits, PickedUnits
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.locations.calls import LocationCalls
from serve.problems import Problem
from serve.regions import Territory
from serve.replies import body_of
from serve.requests import Write
from serve.services import Services

CollectionId = Annotated[str, Path(max_length=64, description="e.g. us-collection-01kah2v3nq7h3k2m9qk4t1x0ab")]
_view_decoder = msgspec.json.Decoder(CollectionView)
_status_decoder = msgspec.json.Decoder(CollectionStatusView)
_contents_decoder = msgspec.json.Decoder(ContentsView)


def units_of(lines: Iterable[PickedUnits]) -> list[Units]:
    """As commands carry them."""
    return [(line.sku, line.quantity) for line in lines]


class CollectionCalls:
    """Asks collections."""

    def __init__(self, services: Services, territory: Territory, known: KnownSkuCheck) -> None:
        self.services = services
        self.territory = territory
        self.locations = LocationCalls(services, territory, known)

    async def ask(self, collection_id: str, request: Request, command: Command, write: Write) -> CollectionStatusView:
        """What the collection says once its order has agreed, or as far as it is when that takes long. Raises Problem:
        of the order's refusal, and of a cancellation, that came meanwhile too."""
        self.check_id(collection_id, request)
        reply = await self.services.gateway.ask(
            "collection", collection_id, command,
            command_id=write.key, digest=write.digest, wait_ms=self.services.settings.placement_wait_ms,
            cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        )  # fmt: skip
        told = _status_decoder.decode(body_of(reply))
        if told.last_refusal:
            raise Problem(told.last_refusal, "The order did not go along with the step: look again.")
        if told.status == "cancelled":
            raise Problem("collection.cancelled", "The order was cancelled: all of it goes back.")
        return told

    async def view(self, collection_id: str, request: Request) -> CollectionView:
        """Raises Problem 403, 404, 421."""
        self.check_id(collection_id, request)
        query = ViewCollection(collection_id, reach_of(request.scope), self.services.clock.now_ms())
        reply = await self.services.gateway.view("collection", collection_id, query, cause=request.scope[REQUEST_ID])
        return _view_decoder.decode(body_of(reply))

    async def contents(self, view: CollectionView, request: Request) -> ContentsView | None:
        """Where what is still to be found lies; None when nothing is to be found. Raises Problem."""
        skus = [line.sku for line in view.lines if line.to_find]
        if not skus:
            return None
        query = ViewContents(view.location_id, skus)
        return _contents_decoder.decode(await self.locations.view(view.location_id, query, request.scope[REQUEST_ID]))

    def hold_days(self, location_id: str) -> int:
        """For how long the store keeps what is ready: by its profile, else as all of the region do."""
        profile = self.services.index.steering.profile(location_id)
        return (profile.pickup_hold_days if profile is not None else 0) or self.services.settings.pickup_hold_days

    def check_id(self, collection_id: str, request: Request) -> None:
        """Raises Problem 404, 421."""
        request.scope[ENTITY_ID] = collection_id
        self.territory.check_kind(collection_id, "collection", COLLECTION_PATTERN)


def told(view: CollectionStatusView, code: str = "") -> CollectionAnswer:
    """As callers are told."""
    return CollectionAnswer(
        view.collection_id, view.version, view.status, view.tries_left, view.allowed, view.asking, view.verified, code
    )


def detail(view: CollectionView, lying: ContentsView | None, spot: str) -> CollectionDetail:
    """As callers are told. spot: where its customer is, opened."""
    return CollectionDetail(
        view.collection_id, view.version, view.status, view.order_id, view.location_id, moment(view.opened_at_ms),
        moment(view.updated_at_ms), view.shelf, moment_of(view.here_at_ms), spot, moment_of(view.ready_at_ms),
        moment_of(view.collect_by_ms), view.verified, view.tries_left, view.asking, view.allowed,
        [
            CollectionLine(line.sku, line.quantity, line.to_find, line.by_floor, _bins(line.sku, lying) if line.to_find else [])
            for line in view.lines
        ],
        [PickedUnits(sku, units) for sku, units in view.left], moment_of(view.late_at_ms), view.held,
    )  # fmt: skip


def moment_of(ms: int | None) -> datetime | None:
    """None stays None."""
    return None if ms is None else moment(ms)


def _bins(sku: str, lying: ContentsView | None) -> list[LyingUnits]:
    return [] if lying is None else [LyingUnits(one.bin_id, one.units) for one in lying.contents if one.sku == sku]
