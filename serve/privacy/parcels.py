"""What was packed for a person, and what waits at a store: for the answer to who asks for all that there is.

Parcels of an order are found by its fulfilments, pickups by the order's own list; what was sent without an order by the
keyed digest of whom it was for.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.domain.collection_state import CollectionView, ViewCollection
from actors.domain.ids import shipment_of
from actors.domain.order_state import fulfilment_id
from actors.domain.order_views import OrderView
from actors.domain.postal import Party
from actors.domain.privacy_state import About
from actors.domain.shipment_papers import ADDRESS
from actors.domain.shipment_views import ShipmentView, ViewShipment
from actors.domain.times import moment
from serve.collections.spots import Spots
from serve.context import REQUEST_ID, Scope
from serve.freshness import from_store
from serve.keys.data_keys import DataKeys, Erased
from serve.packing.recipients import place_of, reason_of
from serve.packing.schemas import UnitsOf
from serve.packing.tracking import tracked
from serve.privacy.asking import each
from serve.privacy.persons import Persons
from serve.privacy.schemas import PickupData, SentTo, ShipmentData
from serve.problems import Problem
from serve.replies import body_of
from serve.services import Services

_decode_shipment = msgspec.json.Decoder(ShipmentView).decode
_decode_collection = msgspec.json.Decoder(CollectionView).decode
_decode_party = msgspec.msgpack.Decoder(Party).decode


class PersonParcels:
    """Of one replica."""

    def __init__(self, services: Services, persons: Persons, keys: DataKeys, spots: Spots) -> None:
        self._services = services
        self._persons = persons
        self._keys = keys
        self._spots = spots

    async def shipments(self, about: About, orders: Sequence[OrderView], scope: Scope) -> list[ShipmentData]:
        """Those of orders first, in their order. Raises Problem 409 for a person with too many, 503."""
        packed = [
            shipment_of(order.order_id, int(one.fulfilment_id.rpartition(".")[2])) for order in orders for one in order.fulfilments
        ]  # fmt: skip
        manual = await self._persons.shipments(about.subjects)
        found = await each(lambda shipment_id: self._shipment(shipment_id, scope), [*packed, *manual])
        return [one for one in found if one is not None]

    async def _shipment(self, shipment_id: str, scope: Scope) -> ShipmentData | None:
        query = ViewShipment(shipment_id, papers=True)
        reply = await self._services.gateway.view("shipment", shipment_id, query, cause=scope[REQUEST_ID])
        try:
            view = _decode_shipment(body_of(reply))
        except Problem as problem:
            if problem.code == "shipment.unknown":
                return None  # packed without a station, or not yet
            raise
        return ShipmentData(
            shipment_id, view.order_id, fulfilment_id(view.order_id, view.number) if view.order_id else "", view.location_id,
            view.status, view.reason, moment(view.opened_at_ms), None if view.order_id else await self._ship_to(view, scope),
            [tracked(one) for one in view.parcels], await self._words(view.shipment_id, "note", view.note, view.sealed_note, scope),
            await self._customs(view, scope),
        )  # fmt: skip

    async def _customs(self, view: ShipmentView, scope: Scope) -> list[str]:
        """Of each parcel that was declared in words."""
        told: list[str] = []
        for parcel in view.parcels:
            declared = None if parcel.label is None else parcel.label.declared
            if declared is not None:
                what = reason_of(parcel.number)
                told.append(
                    await self._words(view.shipment_id, what, declared.reason_text, declared.sealed_text, scope)
                )
        return [words for words in told if words]

    async def _words(self, shipment_id: str, what: str, clear: str, sealed: bytes, scope: Scope) -> str:
        """Those that are sealed, or in a cell without keys lie there in the clear; "" when they are erased."""
        if not sealed:
            return clear
        try:
            plain, _ = await self._keys.unseal(sealed, place_of(shipment_id, what), scope[REQUEST_ID])
        except Erased:
            return ""
        return plain.decode()

    async def _ship_to(self, view: ShipmentView, scope: Scope) -> SentTo | None:
        """Restricted or not: it is told to nobody else."""
        sealed = view.ship_to
        if not sealed:
            paper = await from_store(self._services.read_model.shipment_paper(view.shipment_id, ADDRESS))
            sealed = b"" if paper is None else paper.document
        if not sealed:
            return None
        try:
            plain, _ = await self._keys.unseal(sealed, place_of(view.shipment_id, "ship_to"), scope[REQUEST_ID])
        except Erased:
            return None
        to = _decode_party(plain)
        return SentTo(to.name, to.company, list(to.street), to.city, to.postcode, to.state, to.country, to.phone)

    async def pickups(self, orders: Sequence[OrderView], scope: Scope) -> list[PickupData]:
        """Of all orders, the oldest of each first. Raises Problem 503."""
        names = [
            one.collection_id
            for order in orders
            if isinstance(order.pickup, msgspec.Struct)
            for one in order.pickup.collections
        ]
        found = await each(lambda collection_id: self._pickup(collection_id, scope), names)
        return [one for one in found if one is not None]

    async def _pickup(self, collection_id: str, scope: Scope) -> PickupData | None:
        query = ViewCollection(collection_id)
        reply = await self._services.gateway.view("collection", collection_id, query, cause=scope[REQUEST_ID])
        try:
            view = _decode_collection(body_of(reply))
        except Problem as problem:
            if problem.code == "collection.unknown":
                return None  # the store has not heard of it yet
            raise
        ready, by, here = (
            None if at is None else moment(at) for at in (view.ready_at_ms, view.collect_by_ms, view.here_at_ms)
        )
        spot = await self._spots.shown(view, scope[REQUEST_ID], restricted_too=True)
        return PickupData(
            collection_id, view.order_id, view.location_id, view.status, moment(view.opened_at_ms), ready, by, view.verified, here,
            spot, [UnitsOf(line.sku, line.quantity) for line in view.lines], view.shelf,
        )  # fmt: skip
