"""Labels and papers of a parcel: bought, printed, remade. What tells who gets it is opened for the one call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from actors.domain.customs import CustomsDeclaration, Form, Papers, papers_of, value_of
from actors.domain.money import Money
from actors.domain.shipment_commands import LabelFormat
from actors.domain.shipment_views import LabelView, ParcelView, ShipmentView
from serve.downloads import kept_as
from serve.openapi import KEY_PARAMETER, documented
from serve.packing import examples
from serve.packing.calls import (
    LanguageAsked,
    PackingCalls,
    PaperAsked,
    ParcelNumber,
    ShipmentId,
    label_detail,
    parcel_in,
)
from serve.packing.customs_data import declaration_of, told_again
from serve.packing.customs_papers import commercial_invoice, customs_form
from serve.packing.labels import Labels
from serve.packing.recipients import Recipient, Recipients
from serve.packing.schemas import CustomsDetail, CustomsWords, LabelDetail, NewLabel, QuotesDetail
from serve.packing.slip import Slip, SlipLine, SlipPaper, packing_slip
from serve.packing.sscc_label import SsccLabel, sscc_label
from serve.packing.words import Language
from serve.packing.worth import prices_of
from serve.pages import NO_STORE
from serve.problems import Problem
from serve.responses import ok

_label_decoder = msgspec.json.Decoder(NewLabel)
_PROBLEMS = (401, 403, 404, 409, 421)
_READ = (*_PROBLEMS, 422)
_MEDIA: Mapping[str, str] = {"pdf": "application/pdf", "zpl": "application/zpl"}
NAMED: Mapping[int, tuple[str, ...]] = {200: ("Content-Disposition",)}
_NEW_LABEL = {"carrier": "post", "service": "standard"}
Customs = Literal["declaration", "invoice"]


class Document(Response):
    """What a printer takes: kept by nobody on the way. `name`: what a file of it is called,
    without what says its type."""

    def __init__(self, content: bytes, label_format: str, name: str) -> None:
        super().__init__(content=content)
        self.raw_headers = [
            (b"content-type", _MEDIA[label_format].encode()),
            (b"content-length", b"%d" % len(content)),
            kept_as(name, label_format),
            NO_STORE,
        ]


def add(api: APIRouter, calls: PackingCalls, labels: Labels, recipients: Recipients) -> None:
    """The routes."""
    _add_labels(api, calls, labels)
    _add_papers(api, calls, recipients)
    _add_sscc(api, calls)


def _add_labels(api: APIRouter, calls: PackingCalls, labels: Labels) -> None:
    @api.get(
        "/v1/shipments/{shipment_id}/parcels/{parcel}/quotes",
        summary="What the carriers would take for a parcel",
        **documented(QuotesDetail, problems=_READ, example=examples.QUOTES),
    )
    async def quotes(shipment_id: ShipmentId, parcel: ParcelNumber, request: Request) -> Response:
        """Of a closed parcel, cheapest first; and why others don't take it."""
        return ok(await labels.quotes(shipment_id, parcel, request))

    @api.post(
        "/v1/shipments/{shipment_id}/parcels/{parcel}/label",
        summary="Buy the label of a parcel",
        **documented(LabelDetail, request=NewLabel, request_example=_NEW_LABEL, problems=_PROBLEMS, example=examples.LABEL),
    )  # fmt: skip
    async def bought(shipment_id: ShipmentId, parcel: ParcelNumber, request: Request) -> Response:
        """Once: while the carrier has not answered (503), this call again asks it the same under the same key. A parcel
        with a label waits for its carrier as soon as all of the shipment is packed."""
        write, sent = await calls.document(request, _label_decoder)
        if sent.customs.reason_text:
            # What is remembered of words must not confirm a guess.
            write = write._replace(digest=calls.private.digest(write.body, write.digest))
        await labels.buy(
            shipment_id, parcel, request, write, sent.carrier, sent.service, sent.label_format, sent.customs
        )
        return ok(await _label(calls, shipment_id, parcel, request))

    @api.delete(
        "/v1/shipments/{shipment_id}/parcels/{parcel}/label",
        summary="Give the label of a parcel back",
        **documented(LabelDetail, problems=(400, 408, 413, 415, *_READ), example=examples.LABEL | {"status": "voided"}),
        openapi_extra={"parameters": [KEY_PARAMETER]},
    )
    async def voided(shipment_id: ShipmentId, parcel: ParcelNumber, request: Request) -> Response:
        """Until it is on a closed manifest. The carrier may refuse (`kept`, with its code)."""
        write = await calls.bare(request)
        await labels.give_back(shipment_id, parcel, request, write)
        return ok(await _label(calls, shipment_id, parcel, request))

    @api.get(
        "/v1/shipments/{shipment_id}/parcels/{parcel}/label",
        summary="The label of a parcel, to print",
        **documented(None, media_type="application/pdf", also_as=("application/zpl",), problems=_READ, headers=NAMED),
    )
    async def label(shipment_id: ShipmentId, parcel: ParcelNumber, request: Request) -> Response:
        """PDF or ZPL, as it was bought."""
        view = await calls.view(shipment_id, request, papers=True)
        document, label_format = await labels.document(view, parcel_in(view, parcel), request)
        return Document(document, label_format, f"label-{shipment_id}-{parcel}")


async def _label(calls: PackingCalls, shipment_id: str, number: int, request: Request) -> LabelDetail:
    """As it is now. Raises Problem."""
    told = label_detail(parcel_in(await calls.view(shipment_id, request), number).label)
    if told is None:
        raise Problem("shipment.label_missing", f"Parcel {number} has no label.")
    return told


def _add_papers(api: APIRouter, calls: PackingCalls, recipients: Recipients) -> None:
    @api.get(
        "/v1/shipments/{shipment_id}/parcels/{parcel}/slip.pdf",
        summary="The packing slip of a parcel",
        **documented(None, media_type="application/pdf", problems=_READ, headers=NAMED),
    )
    async def slip(
        shipment_id: ShipmentId,
        parcel: ParcelNumber,
        request: Request,
        language: LanguageAsked = "en",
        paper: PaperAsked = "a4",
        prices: Annotated[bool, Query(description="with what was paid; never on that of a present")] = False,
    ) -> Response:
        """What is in the carton, for whoever opens it, and the words that go with a present. The same
        content gives the same bytes."""
        view = await calls.view(shipment_id, request, papers=True)
        to = await recipients.of(view, request)
        said = _slip(calls, view, parcel_in(view, parcel), to, language, paper, prices)
        return Document(await asyncio.to_thread(packing_slip, said), "pdf", f"slip-{shipment_id}-{parcel}")

    @api.get(
        "/v1/shipments/{shipment_id}/parcels/{parcel}/customs.pdf",
        summary="The customs papers of a parcel",
        **documented(None, media_type="application/pdf", problems=_READ, headers=NAMED),
    )
    async def customs(
        shipment_id: ShipmentId,
        parcel: ParcelNumber,
        request: Request,
        document: Annotated[Customs, Query(description="which of the two papers")] = "declaration",
        language: LanguageAsked = "en",
        paper: PaperAsked = "a4",
    ) -> Response:
        """The declaration (CN 22 or CN 23: `…/customs` says which, and why) or the commercial invoice of a parcel that
        leaves the customs territory, from the catalogue and the order; of one with a label, as it
        was declared with that."""
        view = await calls.view(shipment_id, request, papers=True)
        one = parcel_in(view, parcel)
        declared = await _declared(calls, recipients, view, one, request)
        form = _papers(calls, one, declared).form
        drawn = await asyncio.to_thread(_drawn, declared, document, form, language, paper)
        return Document(drawn, "pdf", f"customs-{document}-{shipment_id}-{parcel}")

    @api.get(
        "/v1/shipments/{shipment_id}/parcels/{parcel}/customs",
        summary="Which customs papers a parcel needs",
        **documented(CustomsDetail, problems=_READ, example=examples.CUSTOMS),
    )
    async def needed(shipment_id: ShipmentId, parcel: ParcelNumber, request: Request) -> Response:
        """Of a closed parcel that leaves the customs territory. CN 22: it travels as a small packet (by the service of
        its label), weighs up to 2 kg and is worth up to 300 SDR; CN 23 for all else."""
        view = await calls.view(shipment_id, request, papers=True)
        one = parcel_in(view, parcel)
        declared = await _declared(calls, recipients, view, one, request)
        told, rate = _papers(calls, one, declared), calls.settings.sdr
        on = rate.on.isoformat() if rate is not None and told.value_sdr is not None else None
        return ok(CustomsDetail(told.form, told.why, told.invoice, value_of(declared), told.value_sdr, on))


def _add_sscc(api: APIRouter, calls: PackingCalls) -> None:
    @api.get(
        "/v1/shipments/{shipment_id}/parcels/{parcel}/sscc-label",
        summary="The number of a parcel as GS1-128, to print",
        **documented(None, media_type="application/pdf", also_as=("application/zpl",), problems=_READ, headers=NAMED),
    )
    async def sscc(
        shipment_id: ShipmentId,
        parcel: ParcelNumber,
        request: Request,
        label_format: Annotated[
            LabelFormat, Query(alias="format", description="to print by a page printer, or by a label printer")
        ] = "pdf",
    ) -> Response:
        """As soon as the parcel has its SSCC. No name, no address."""
        view = await calls.view(shipment_id, request)
        one = parcel_in(view, parcel)
        if not one.sscc:
            raise Problem("shipment.sscc_pending", "The parcel has no number yet: ask again in a moment.")
        sender = calls.settings.sender_at(view.location_id)
        name = sender.name if sender is not None else view.location_id
        carton, cartons = _count(view, one)
        said = SsccLabel(one.sscc, name, view.order_id or view.shipment_id, carton, cartons, one.weight_g)
        return Document(await asyncio.to_thread(sscc_label, said, label_format), label_format, f"sscc-{one.sscc}")


def _count(view: ShipmentView, parcel: ParcelView) -> tuple[int, int]:
    """The k-th of n."""
    numbers = sorted(one.number for one in view.parcels)
    return numbers.index(parcel.number) + 1, len(numbers)


def _slip(
    calls: PackingCalls, view: ShipmentView, parcel: ParcelView, to: Recipient, language: Language, paper: SlipPaper, prices: bool
) -> Slip:  # fmt: skip
    """Raises Problem 409."""
    if not parcel.closed or not parcel.sscc:
        raise Problem("shipment.parcel_open", f"Parcel {parcel.number} is not closed, or has no number yet.")
    index, sums = calls.services.index, dict[str, int]()
    for content in parcel.contents:
        sums[content.sku] = sums.get(content.sku, 0) + content.units
    # Whoever prints it: what a present has cost is not for who gets it.
    prices = prices and not to.is_gift
    paid = prices_of(view, to.order) if prices and to.order is not None else {}
    lines = tuple(SlipLine(sku, index.description(sku), units, paid.get(sku)) for sku, units in sorted(sums.items()))
    carton, cartons = _count(view, parcel)
    return Slip(
        (view.order_id or view.shipment_id)[:64], to.party, lines, carton, cartons, parcel.sscc, parcel.weight_g, language, paper,
        to.order_ref[:64], to.message, prices,
    )  # fmt: skip


async def _declared(
    calls: PackingCalls, recipients: Recipients, view: ShipmentView, parcel: ParcelView, request: Request
) -> CustomsDeclaration:  # fmt: skip
    """Raises Problem 409."""
    sender = calls.settings.sender_at(view.location_id)
    if sender is None:
        raise Problem("packing.no_sender", "It is not said who sends: `[packing.sender]` of the region's config.")
    if not parcel.closed:
        raise Problem("shipment.parcel_open", f"Parcel {parcel.number} is not closed.")
    to = await recipients.of(view, request)
    services = calls.services
    label = _asked(parcel)
    kept = None if label is None else label.declared
    if kept is not None:
        kept = await recipients.words(view.shipment_id, parcel.number, kept, request)
    declared: CustomsDeclaration | None
    if kept is not None and kept.goods:
        declared = told_again(view, parcel, sender, to, kept)
    else:
        at_ms = (0 if label is None else label.asked_at_ms) or services.clock.now_ms()
        words = CustomsWords() if kept is None else CustomsWords(kept.reason, kept.reason_text, kept.sender_tax_id)
        declared = declaration_of(view, parcel, sender, to, words, services.index, at_ms, calls.settings)
    if declared is None:
        raise Problem(
            "customs.same_country", "The parcel does not leave the customs territory: there is nothing to declare."
        )
    if label is not None and label.currency:
        paid = Money(label.amount, label.currency)
        declared = msgspec.structs.replace(declared, postage=paid)
    return declared


def _asked(parcel: ParcelView) -> LabelView | None:
    """A label that the carrier sold or may have sold: what it was told then, holds."""
    label = parcel.label
    return None if label is None or label.status in ("refused", "voided") else label


def _papers(calls: PackingCalls, parcel: ParcelView, declared: CustomsDeclaration) -> Papers:
    label = _asked(parcel)
    letter_post = label is not None and calls.settings.small_packet(label.carrier, label.service)
    return papers_of(declared, calls.settings.sdr, small_packet=letter_post)


def _drawn(
    declared: CustomsDeclaration, document: Customs, form: Form, language: Language, paper: SlipPaper
) -> bytes:  # fmt: skip
    if document == "invoice":
        return commercial_invoice(declared, language, paper)
    return customs_form(declared, form, language, paper)
