"""Labels: the carrier is asked here, beside every turn, under the key that the shipment gave.

AskLabel ─▶ ticket(key) ─▶ TryLabel ─▶ Carrier.label(key, request) ─▶ NoteLabel | NoteLabelRefused
                                           ├─ no answer: it stays asked, and the next call asks under the same key the same request
                                           └─ not reached: NoteLabelUnavailable, after which it is asked yet if another try may have bought it

A carrier knows keys for a while only. So who asks again later than `KEYS_TRUSTED_MS` after the first time asks first
what was sold under our reference (`Carrier.find`): however late it is, a label is never bought twice. Who prints one
again, or gives one back that may have been sold, never buys.
"""

from __future__ import annotations

import asyncio
import secrets

import msgspec
from fastapi import Request

from actors.domain.ids import dock_id
from actors.domain.order_views import OrderView
from actors.domain.shipment_commands import (
    AskLabel,
    AskVoid,
    Command,
    Declared,
    LabelFormat,
    NoteCancelled,
    NoteLabel,
    NoteLabelRefused,
    NoteLabelUnavailable,
    NoteVoided,
    TryLabel,
)
from actors.domain.shipment_views import LabelTicket, LabelView, ParcelView, ShipmentView
from partners.carrier import (
    KEYS_KEPT_MS,
    Carrier,
    CarrierError,
    CarrierParcel,
    CarrierRefused,
    CarrierUnavailable,
    Label,
    LabelRequest,
    Shipment,
    quote_of,
)
from partners.label_content import is_what_it_says
from serve.callers import reach_of
from serve.packing.calls import PackingCalls, parcel_in, ticket_decoder
from serve.packing.carriers import TIMED_OUT, UNAVAILABLE, told_as
from serve.packing.customs_data import declaration_of, kept_of
from serve.packing.papers import label_paper
from serve.packing.recipients import Recipient, Recipients
from serve.packing.schemas import CustomsWords, QuoteDetail, QuotesDetail
from serve.problems import Problem, field_problem
from serve.requests import Write

# A label's document past that is not kept: the carrier tells it again, under the same key.
DOCUMENT_BYTES_MAX = 200_000
# The label of a parcel that a carrier took back already is given back.
_VOIDED = "carrier.already_voided"
ERASED = "shipment.person_erased"
# The carrier knows nothing of a label that it may have sold.
NOT_SOLD = "carrier.not_sold"
# What it sent for one is not what was asked for: paid, but neither kept nor handed to anybody.
NO_LABEL = "carrier.label_invalid"
# When it may not have heard yet that its order is cancelled (`shipment_leaving.note_cancelled`).
_MAY_HEAR = frozenset({"packing", "settling", "packed"})
# With room for clocks that differ, and for a call that takes long to arrive.
KEYS_TRUSTED_MS = KEYS_KEPT_MS // 2
_encode = msgspec.msgpack.Encoder().encode
_request_decoder = msgspec.msgpack.Decoder(LabelRequest)


class Labels:
    """Of one replica."""

    def __init__(self, calls: PackingCalls, recipients: Recipients) -> None:
        self._calls = calls
        self._recipients = recipients
        self._services = calls.services

    # --- buying
    async def buy(
        self, shipment_id: str, number: int, request: Request, write: Write, carrier: str, service: str,
        label_format: LabelFormat | None, words: CustomsWords,
    ) -> None:  # fmt: skip
        """Raises Problem: of the shipment, of the carrier, or of what is known of order and goods."""
        view = await self._calls.view(shipment_id, request)
        self.port(carrier)
        parcel = parcel_in(view, number)
        to = await self._to(view, request, write)
        account = next((one for one in self._calls.settings.carriers if one.carrier == carrier), None)
        form = label_format or (account.label_format if account else "pdf")
        if label_format is None and parcel.label is not None and parcel.label.status == "bought":
            # Who says no format asks for no other.
            form = "zpl" if parcel.label.label_format == "zpl" else "pdf"
        try:
            wanted = LabelRequest(await self.parcel_to(view, parcel, to, words), service, form)
        except Problem:
            label = parcel.label
            if (
                label is None
                or label.status != "asked"
                or (label.carrier, label.service, label.label_format) != (carrier, service, form)
            ):
                raise
            # It may be sold already: what was asked is kept, and the goods need not be known anew.
            await self.fulfil(_ticket_of(view, number, label), to, request, write)
            return
        plain = _encode(wanted)
        _check(plain)
        sealed = await self._recipients.seal(shipment_id, f"request:{number}", plain, to, request)
        kept = await self._recipients.kept_words(shipment_id, number, _declared(wanted), to, request)
        command = AskLabel(
            number, carrier, service, form, sealed, dock_id(view.location_id, carrier), reach_of(request.scope),
            self._recipients.digest(plain), kept,
        )  # fmt: skip
        ticket = ticket_decoder.decode(await self._calls.ask(shipment_id, request, command, write))
        await self.fulfil(ticket, to, request, write)

    async def fulfil(self, ticket: LabelTicket, to: Recipient, request: Request, write: Write) -> None:
        """Asks the carrier for what the ticket says, and tells the shipment what came of it. Raises Problem."""
        if ticket.status == "bought":
            return
        shipment_id, number, key = ticket.shipment_id, ticket.parcel, ticket.key
        wanted = await self._wanted(ticket, request)
        if wanted is None:
            return  # it was answered meanwhile, or is about another label by now
        attempt = secrets.token_hex(8)
        ticket = await self._tried(ticket, request, write, attempt)
        if ticket.key != key or ticket.status != "asked":
            return
        try:
            label = await self._sold(ticket, wanted)
        except CarrierRefused as refused:
            if refused.code != "carrier.key_reused":
                await self._note(ticket, request, write, NoteLabelRefused(number, key, refused.code), refused.code)
            raise told_as(refused) from None
        except CarrierUnavailable as away:
            unreached = NoteLabelUnavailable(number, key, UNAVAILABLE)
            await self._note(ticket, request, write, unreached, f"{UNAVAILABLE} {attempt}")
            raise told_as(away) from None
        except CarrierError as error:
            raise told_as(error) from None
        kept = len(label.document) <= DOCUMENT_BYTES_MAX and is_what_it_says(label.document, wanted.label_format)
        document = label.document if kept else b""
        sealed = b""
        if document:
            try:
                sealed = await self._recipients.seal(shipment_id, f"label:{key}", document, to, request)
            except Problem as gone:
                if gone.code != ERASED:
                    raise
        bought = NoteLabel(number, key, label.tracking_number, sealed, label.price.amount, label.price.currency)
        await self._note(ticket, request, write, bought, "bought")

    async def document(self, view: ShipmentView, parcel: ParcelView, request: Request) -> tuple[bytes, str]:
        """(what to print, its format). Raises Problem."""
        label = parcel.label
        if label is None or label.status not in ("bought", "voiding"):
            raise Problem("shipment.label_missing", f"Parcel {parcel.number} has no label.")
        document, asked = label.document, label.request
        if not document and not asked:
            paper = await label_paper(self._calls, view, parcel)
            document, asked = paper.document, paper.request
        if document:
            kept = await self._recipients.unsealed(view.shipment_id, f"label:{label.key}", document, request)
            return _printable(kept, label.label_format)
        wanted = await self._opened(view.shipment_id, parcel.number, asked, request)
        try:
            found = await self.port(label.carrier).find(label.key, wanted)
        except CarrierError as error:
            raise told_as(error) from None
        if found is None:
            raise Problem(NOT_SOLD, "The carrier does not know the parcel any more.")
        return _printable(found.document, label.label_format)

    async def _wanted(self, ticket: LabelTicket, request: Request) -> LabelRequest | None:
        """What the carrier is asked under the ticket's key; None: that is not asked any more. Raises Problem."""
        view = await self._calls.view(ticket.shipment_id, request, papers=True)
        label = parcel_in(view, ticket.parcel).label
        if label is None or label.key != ticket.key or label.status not in ("asked", "refused"):
            return None
        return await self._opened(ticket.shipment_id, ticket.parcel, label.request, request)

    async def _opened(self, shipment_id: str, number: int, sealed: bytes, request: Request) -> LabelRequest:
        return _request_decoder.decode(
            await self._recipients.unsealed(shipment_id, f"request:{number}", sealed, request)
        )

    async def _tried(self, ticket: LabelTicket, request: Request, write: Write, attempt: str) -> LabelTicket:
        """The carrier is asked next, whatever comes of it; the label as it is then. Raises Problem."""
        part = write._replace(key=f"{write.key}/{ticket.key} try {attempt}", digest=0)
        command = TryLabel(ticket.parcel, ticket.key)
        return ticket_decoder.decode(await self._calls.ask(ticket.shipment_id, request, command, part, wait=False))

    async def _sold(self, ticket: LabelTicket, wanted: LabelRequest) -> Label:
        """Bought, once, whenever it was asked for first. Raises CarrierError."""
        port = self.port(ticket.carrier)
        if not self._keys_hold(ticket.asked_at_ms):
            found = await port.find(ticket.key, wanted)
            if found is not None:
                return found
        return await port.label(ticket.key, wanted)

    def _keys_hold(self, asked_at_ms: int) -> bool:
        """Does the carrier surely know the key that it was asked under then?"""
        return self._services.clock.now_ms() - asked_at_ms < KEYS_TRUSTED_MS

    # --- giving back
    async def give_back(self, shipment_id: str, number: int, request: Request, write: Write) -> str:
        """The label's status then. Raises Problem."""
        asked = await self._calls.ask(shipment_id, request, AskVoid(number, reach_of(request.scope)), write)
        ticket = ticket_decoder.decode(asked)
        if ticket.status != "voiding":
            return ticket.status
        view = await self._calls.view(shipment_id, request)
        parcel = parcel_in(view, number)
        if parcel.label is None or parcel.label.key != ticket.key or parcel.label.status != "voiding":
            # Answered meanwhile: a call that is sent again has the ticket of then, and the carrier must not be
            # asked for what is good by now.
            return "" if parcel.label is None else parcel.label.status
        if view.status != "unpacking" and parcel.place:
            raise Problem("shipment.dock_asked", "The dock has not let it go yet: ask again in a moment.")
        code = ""
        try:
            await self.port(ticket.carrier).void(f"{ticket.key}.void", ticket.tracking)
        except CarrierRefused as refused:
            code = "" if refused.code == _VOIDED else refused.code
        except CarrierError as error:
            raise told_as(error) from None
        await self._note(ticket, request, write, NoteVoided(number, ticket.key, code), f"void {code}")
        return "kept" if code else "voided"

    async def give_all_back(self, view: ShipmentView, request: Request, write: Write) -> None:
        """Of a shipment that was stopped: those of which nobody knows whether they were sold are asked for once more,
        under their keys, so that nothing is sold behind it; once keys don't hold any more, the carrier says whether it
        sold one. Raises Problem."""
        for parcel in view.parcels:
            label = parcel.label
            if label is None or label.status not in ("asked", "bought", "voiding"):
                continue
            part = write._replace(key=f"{write.key}/parcel {parcel.number}")
            if label.status == "asked":
                ticket = _ticket_of(view, parcel.number, label)
                try:
                    wanted = await self._wanted(ticket, request)
                    ticket = await self._tried(ticket, request, part, secrets.token_hex(8))
                    if wanted is None or ticket.key != label.key or ticket.status != "asked":
                        # Somebody else's answer came meanwhile.
                        if ticket.key == label.key and ticket.status in ("bought", "voiding"):
                            await self.give_back(view.shipment_id, parcel.number, request, part)
                        continue
                    sold = await self._perhaps_sold(ticket, wanted)
                except CarrierRefused as refused:
                    note = NoteLabelRefused(parcel.number, label.key, refused.code)
                    await self._note(ticket, request, part, note, refused.code)
                    continue
                except CarrierError as error:
                    raise told_as(error) from None
                except Problem as gone:
                    if gone.code != ERASED:
                        raise
                    # What was asked for is gone with the person: nobody can ask for it again, nor print it.
                    await self._note(ticket, request, part, NoteLabelRefused(parcel.number, label.key, ERASED), ERASED)
                    continue
                if sold is None:
                    await self._note(
                        ticket, request, part, NoteLabelRefused(parcel.number, label.key, NOT_SOLD), NOT_SOLD
                    )
                    continue
                bought = NoteLabel(
                    parcel.number, label.key, sold.tracking_number, b"", sold.price.amount, sold.price.currency
                )
                await self._note(ticket, request, part, bought, "bought")
            await self.give_back(view.shipment_id, parcel.number, request, part)

    async def _perhaps_sold(self, ticket: LabelTicket, wanted: LabelRequest) -> Label | None:
        """Of one that nobody wants any more; None: the carrier has not sold it. Raises CarrierError."""
        port = self.port(ticket.carrier)
        if self._keys_hold(ticket.asked_at_ms):
            return await port.label(ticket.key, wanted)
        return await port.find(ticket.key, wanted)

    # --- what it costs
    async def quotes(self, shipment_id: str, number: int, request: Request, write: Write | None = None) -> QuotesDetail:
        """Of all carriers of the region. Raises Problem."""
        view = await self._calls.view(shipment_id, request, papers=True)
        parcel = parcel_in(view, number)
        # A price needs the places and the parcel: who sends and gets it is told once a label is bought.
        to = await self._recipients.place(view, request)
        wanted = quote_of(await self.parcel_to(view, parcel, to, CustomsWords()))
        quotes: list[QuoteDetail] = []
        refused: dict[str, str] = {}
        for name, carrier in self._services.carriers.items():
            try:
                offers = await carrier.quote(wanted)
            except CarrierRefused as error:
                refused[name] = error.code
            except CarrierUnavailable:
                refused[name] = UNAVAILABLE
            except CarrierError:
                refused[name] = TIMED_OUT
            else:
                quotes += [QuoteDetail(name, one.service, one.price, one.days) for one in offers]
        return QuotesDetail(sorted(quotes, key=lambda one: (one.price.amount, one.days, one.carrier)), refused)

    # --- what a carrier has to know
    def port(self, carrier: str) -> Carrier:
        """Raises Problem 422."""
        port = self._services.carriers.get(carrier)
        if port is None:
            known = sorted(self._services.carriers)
            detail = f"There is no carrier {carrier} here: {', '.join(known) or 'none is set up'}."
            raise field_problem("carrier.unknown", detail, "/carrier", known=known)
        return port

    async def parcel_to(self, view: ShipmentView, parcel: ParcelView, to: Recipient, words: CustomsWords) -> Shipment:
        """A parcel from us to somebody. Raises Problem."""
        sender = self._calls.settings.sender_at(view.location_id)
        if sender is None:
            raise Problem("packing.no_sender", "It is not said who sends: `[packing.sender]` of the region's config.")
        if not parcel.closed or not parcel.sscc:
            raise Problem("shipment.parcel_open", f"Parcel {parcel.number} is not closed, or has no number yet.")
        index = self._services.index
        classes = sorted({index.details(one.sku).hazard_class for one in parcel.contents} - {""})
        if len(classes) > 1:
            detail = f"Goods of the classes {', '.join(classes)} must not go in one parcel: open it and part them."
            raise Problem("shipment.hazards_mixed", detail, extra={"classes": classes})
        length, width, height = parcel.sides_mm
        now_ms = self._services.clock.now_ms()
        customs = declaration_of(view, parcel, sender, to, words, index, now_ms, self._calls.settings)
        return Shipment(
            sender, to.party, CarrierParcel(parcel.sscc, parcel.weight_g, length, width, height, "".join(classes)),
            (view.order_id or view.shipment_id)[:64], customs,
        )  # fmt: skip

    async def _to(self, view: ShipmentView, request: Request, write: Write) -> Recipient:
        """Whom it goes to; a shipment of which the order is cancelled is told so."""
        papers = view if view.order_id else await self._calls.view(view.shipment_id, request, papers=True)
        to = await self._recipients.of(papers, request)
        if to.order is not None and _is_cancelled(to.order, view.number):
            await self._calls.note(view.shipment_id, request, NoteCancelled(), write, "cancelled")
            raise Problem("shipment.order_cancelled", "The order is cancelled: unpack it, and put it back.")
        return to

    async def note_if_cancelled(self, view: ShipmentView, request: Request, write: Write) -> bool:
        """Has its order been cancelled, without its having heard? Then it is told so. Its order tells it, but a moment
        later, and did not before there was that message. Raises Problem."""
        if not view.order_id or view.status not in _MAY_HEAR:
            return False
        if not _is_cancelled(await self._recipients.order(view.order_id, request), view.number):
            return False
        await self._calls.note(view.shipment_id, request, NoteCancelled(), write, "cancelled")
        return True

    async def _note(self, ticket: LabelTicket, request: Request, write: Write, command: Command, what: str) -> None:
        # The carrier has done it: whoever called may be gone by now, the shipment must know.
        noting = self._calls.note(ticket.shipment_id, request, command, write, f"{ticket.key} {what}")
        await asyncio.shield(noting)


def _is_cancelled(order: OrderView, number: int) -> bool:
    """The whole order, or its part with that number."""
    part = next((one.status for one in order.fulfilments if _number(one.fulfilment_id) == number), "")
    return "cancelled" in (order.status, part)


def _printable(document: bytes, label_format: str) -> tuple[bytes, str]:
    """What a carrier sent, if it is what it says. Raises Problem 409."""
    if is_what_it_says(document, label_format):
        return document, label_format
    raise Problem(
        NO_LABEL, f"What the carrier sent is no {label_format.upper()}. Give the label back, or ask again later."
    )


def _ticket_of(view: ShipmentView, number: int, label: LabelView) -> LabelTicket:
    """Of a label that was asked for."""
    return LabelTicket(
        view.shipment_id, view.version, number, label.status, label.key, label.carrier, "", "", label.asked_at_ms
    )


def _check(plain: bytes) -> None:
    """Raises Problem 422 for a request that could not be read again: kept once, it could neither be asked nor given up.
    What is wrong is told by its place, and no value."""
    try:
        _request_decoder.decode(plain)
    except msgspec.ValidationError as error:
        raise Problem("carrier.request_invalid", f"No carrier can be asked for such a label: {error}.") from None


def _declared(wanted: LabelRequest) -> Declared | None:
    """What of it papers made later have to repeat."""
    customs = wanted.shipment.customs
    return None if customs is None else kept_of(customs)


def _number(name: str) -> int:
    return int(name.rpartition(".")[2])
