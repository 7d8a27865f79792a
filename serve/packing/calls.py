"""What the routes of packing share: who asks, of which shipment, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypeVar

import msgspec
from fastapi import Path, Query, Request

from actors.domain.ids import SHIPMENT_PATTERN
from actors.domain.money import Money
from actors.domain.order_state import fulfilment_id
from actors.domain.shipment_commands import Command
from actors.domain.shipment_views import (
    LabelTicket,
    LabelView,
    ParcelView,
    ShipmentStep,
    ShipmentView,
    ViewShipment,
)
from actors.domain.times import moment
from actors.runtime.sharding import digest_of
from serve.callers import reach_of
from serve.catalogue.known import KnownSkuCheck
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.locations.calls import LocationCalls
from serve.orders.private import PrivateOrders
from serve.packing.schemas import (
    ContentDetail,
    LabelDetail,
    OrphanDetail,
    ParcelDetail,
    ProposedParcel,
    ShipmentDetail,
    StepDetail,
    UnitsOf,
)
from serve.packing.settings import PackingSettings
from serve.packing.slip import SlipPaper
from serve.packing.words import Language
from serve.problems import Problem
from serve.regions import Territory
from serve.replies import body_of
from serve.requests import Write
from serve.services import Services

ShipmentId = Annotated[str, Path(max_length=80, description="e.g. us-shipment-01kah2v3nq7h3k2m9qk4t1x0ab.1")]
LanguageAsked = Annotated[Language, Query(description="of the paper: English, Spanish or Portuguese")]
PaperAsked = Annotated[SlipPaper, Query(description="the size of the sheet")]
ParcelNumber = Annotated[int, Path(ge=1, le=1_000_000, description="its number in the shipment")]
T = TypeVar("T")
# For what others have to say to it: the order that it is packed, the counter its number.
WAIT_MS = 1_000
view_decoder = msgspec.json.Decoder(ShipmentView)
step_decoder = msgspec.json.Decoder(ShipmentStep)
ticket_decoder = msgspec.json.Decoder(LabelTicket)


class PackingCalls:
    """Asks shipments."""

    def __init__(self, services: Services, territory: Territory, known: KnownSkuCheck, private: PrivateOrders) -> None:
        self.services = services
        self.territory = territory
        self.known = known
        self.private = private
        self.locations = LocationCalls(services, territory, known)

    @property
    def settings(self) -> PackingSettings:
        """Of the region."""
        return self.services.settings.packing

    async def document(self, request: Request, decoder: msgspec.json.Decoder[T]) -> tuple[Write, T]:
        """A write with its body. Raises Problem."""
        return await self.services.bodies.document(request, decoder)

    async def bare(self, request: Request) -> Write:
        """A write that is said by its path alone. Raises Problem."""
        media_type = b"application/json" if "content-type" in request.headers else b""
        write = await self.services.bodies.read(request.scope, request.receive, media_type=media_type)
        return write._replace(digest=digest_of(f"{request.method} {request.scope['path']}".encode()))

    async def ask(
        self, shipment_id: str, request: Request, command: Command | None, write: Write, *, creates: bool = False,
        wait: bool = True, refused: bytes = b"",
    ) -> bytes:  # fmt: skip
        """What the shipment answers, as JSON. `refused`: see `judging.judged`. Raises Problem."""
        self.check_id(shipment_id, request)
        reply = await self.services.gateway.ask(
            "shipment", shipment_id, command,
            command_id=write.key, digest=write.digest, creates=creates, wait_ms=WAIT_MS if wait else 0,
            cause=request.scope[REQUEST_ID], who=request.scope.get(WHO), refused=refused,
        )  # fmt: skip
        return body_of(reply)

    async def step(self, shipment_id: str, request: Request, command: Command, write: Write) -> StepDetail:
        """How far it is after a step. Raises Problem."""
        return step_detail(step_decoder.decode(await self.ask(shipment_id, request, command, write)))

    async def note(self, shipment_id: str, request: Request, command: Command, write: Write, what: str) -> None:
        """Tells the shipment what came of something that was done beside it, once for `what`. Raises Problem."""
        reply = await self.services.gateway.ask(
            "shipment", shipment_id, command,
            command_id=f"{write.key}/{what}", digest=0, cause=request.scope[REQUEST_ID], who=request.scope.get(WHO),
        )  # fmt: skip
        body_of(reply)

    async def view(self, shipment_id: str, request: Request, *, papers: bool = False) -> ShipmentView:
        """All of it; `papers`: with what is sealed. Raises Problem 403, 404, 421."""
        self.check_id(shipment_id, request)
        query = ViewShipment(shipment_id, reach_of(request.scope), papers)
        reply = await self.services.gateway.view("shipment", shipment_id, query, cause=request.scope[REQUEST_ID])
        return view_decoder.decode(body_of(reply))

    def check_id(self, shipment_id: str, request: Request) -> None:
        """Raises Problem 404, 421."""
        request.scope[ENTITY_ID] = shipment_id
        self.territory.check_kind(shipment_id, "shipment", SHIPMENT_PATTERN)


def parcel_in(view: ShipmentView, number: int) -> ParcelView:
    """Raises Problem 404."""
    for parcel in view.parcels:
        if parcel.number == number:
            return parcel
    raise Problem("shipment.parcel_unknown", f"There is no parcel {number}.")


def units_of(lines: Iterable[tuple[str, int]]) -> list[UnitsOf]:
    """As callers are told."""
    return [UnitsOf(sku, units) for sku, units in lines]


def step_detail(step: ShipmentStep) -> StepDetail:
    """As callers are told."""
    return StepDetail(
        step.shipment_id, step.version, step.status, step.parcel, step.sscc, units_of(step.left), step.last_refusal, step.allowed
    )  # fmt: skip


def label_detail(label: LabelView | None) -> LabelDetail | None:
    """As callers are told."""
    if label is None:
        return None
    price = Money(label.amount, label.currency) if label.currency else None
    return LabelDetail(
        label.status, label.carrier, label.service, label.label_format, label.tracking, price, label.code
    )


def detail(view: ShipmentView, note: str) -> ShipmentDetail:
    """As callers are told. note: opened."""
    name = fulfilment_id(view.order_id, view.number) if view.order_id else ""
    return ShipmentDetail(
        view.shipment_id, view.version, view.status, view.location_id, view.order_id, name, view.reason, note, view.country,
        moment(view.opened_at_ms), moment(view.updated_at_ms), view.over, view.why, view.last_refusal, view.allowed,
        units_of(view.lines), units_of(view.left),
        [ProposedParcel(one.carton, units_of(one.lines), one.weight_g) for one in view.proposal],
        [_parcel(one) for one in view.parcels], [OrphanDetail(key, tracking) for key, tracking in view.orphans],
    )  # fmt: skip


def _parcel(parcel: ParcelView) -> ParcelDetail:
    return ParcelDetail(
        parcel.number, parcel.carton, *parcel.sides_mm, parcel.tare_g, parcel.sscc,
        [ContentDetail(one.sku, one.units, one.lot) for one in parcel.contents], parcel.closed, parcel.weight_g, parcel.expected_g,
        parcel.despite, parcel.place, None if parcel.handed_over_ms is None else moment(parcel.handed_over_ms), parcel.code,
        label_detail(parcel.label),
    )  # fmt: skip
