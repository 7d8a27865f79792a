"""A shipping label of 4 × 6 inches, as PDF and as ZPL: sender, recipient, service, tracking number, and the SSCC as GS1-128.

Source: GS1 Logistic Label Guideline (what stands where; the SSCC's bars at the bottom).
"""

from __future__ import annotations

from actors.domain.gs1_elements import Element
from actors.domain.postal import lines
from actors.paper import Sheet, step, wrapped
from actors.zpl import zpl_label, zpl_sscc, zpl_text
from partners.carrier import LabelFormat, Shipment

_MARGIN_MM = 6.0


def label_document(shipment: Shipment, service: str, tracking_number: str, label_format: LabelFormat) -> bytes:
    """The label to print. The same content gives the same bytes."""
    draw = _pdf if label_format == "pdf" else _zpl
    return draw(shipment, service, tracking_number)


def _pdf(shipment: Shipment, service: str, tracking_number: str) -> bytes:
    sheet = Sheet("label", tracking_number)
    room = sheet.size.width - 2 * _MARGIN_MM
    sender = [line for text in lines(shipment.sender) for line in wrapped(text, room, 7)]
    y = sheet.lines(_MARGIN_MM, _MARGIN_MM + 3, sender[:7], 7) + 2
    sheet.rule(_MARGIN_MM, y, sheet.size.width - _MARGIN_MM, y)
    recipient = [line for text in lines(shipment.recipient) for line in wrapped(text, room, 12, bold=True)]
    sheet.lines(_MARGIN_MM, y + 6, recipient[:9], 12, bold=True)
    y = sheet.size.height - _MARGIN_MM - 56
    sheet.rule(_MARGIN_MM, y, sheet.size.width - _MARGIN_MM, y)
    facts = [f"{service.upper()}   {shipment.parcel.weight_g / 1000:.3f} kg", tracking_number, shipment.reference]
    sheet.lines(_MARGIN_MM, y + step(9), facts, 9)
    sheet.gs1_128(_MARGIN_MM - 3, y + 16, [Element("00", shipment.parcel.sscc)])
    return sheet.pdf()


def _zpl(shipment: Shipment, service: str, tracking_number: str) -> bytes:
    fields, y = [], 40
    for text, height in [(line, 22) for line in lines(shipment.sender)[:7]] + [("", 22)]:
        fields.append(zpl_text(48, y, text, height))
        y += height + 6
    for text in lines(shipment.recipient)[:9]:
        fields.append(zpl_text(48, y, text, 40))
        y += 48
    y = 780
    for text in (f"{service.upper()}   {shipment.parcel.weight_g / 1000:.3f} kg", tracking_number, shipment.reference):
        fields.append(zpl_text(48, y, text, 28))
        y += 34
    return zpl_label([*fields, *zpl_sscc(y, shipment.parcel.sscc)])
