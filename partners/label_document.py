"""A shipping label of 4 × 6 inches, as PDF and as ZPL: sender, recipient, service, tracking
number, and the SSCC as GS1-128.

Source: GS1 Logistic Label Guideline (what stands where; the SSCC's bars at the bottom).
"""

from __future__ import annotations

from actors.domain.gs1_elements import Element
from actors.domain.postal import Party, lines
from actors.paper import Sheet, step, wrapped
from actors.zpl import zpl_label, zpl_sscc, zpl_text
from partners.carrier import LabelFormat, Shipment

_MARGIN_MM = 6.0
# Letters of who gets it, in points: the largest with which all of the address has room, since the last
# lines are city and country.
_SIZES = (12.0, 10.0, 8.0, 6.0, 5.0)
_DOTS_PER_MM = 8
_DOTS_PER_POINT = _DOTS_PER_MM * 25.4 / 72
# Where the block of service and bars begins: mm from the lower edge of a PDF, dots from the
# upper one of a label in ZPL.
_BLOCK_MM = 56
_BLOCK_DOTS = 780
_SENDER_LINES_MAX = 7


def label_document(shipment: Shipment, service: str, tracking_number: str, label_format: LabelFormat) -> bytes:
    """The label to print. The same content gives the same bytes."""
    draw = _pdf if label_format == "pdf" else _zpl
    return draw(shipment, service, tracking_number)


def _pdf(shipment: Shipment, service: str, tracking_number: str) -> bytes:
    sheet = Sheet("label", tracking_number)
    room = sheet.size.width - 2 * _MARGIN_MM
    sender = [line for text in lines(shipment.sender) for line in wrapped(text, room, 7)]
    y = sheet.lines(_MARGIN_MM, _MARGIN_MM + 3, sender[:_SENDER_LINES_MAX], 7) + 2
    sheet.rule(_MARGIN_MM, y, sheet.size.width - _MARGIN_MM, y)
    block = sheet.size.height - _MARGIN_MM - _BLOCK_MM
    size, recipient = _fitting(shipment.recipient, room, block - y - 2)
    sheet.lines(_MARGIN_MM, y + step(size), recipient, size, bold=True)
    sheet.rule(_MARGIN_MM, block, sheet.size.width - _MARGIN_MM, block)
    facts = [f"{service.upper()}   {shipment.parcel.weight_g / 1000:.3f} kg", tracking_number, shipment.reference]
    sheet.lines(_MARGIN_MM, block + step(9), facts, 9)
    sheet.gs1_128(_MARGIN_MM - 3, block + 16, [Element("00", shipment.parcel.sscc)])
    return sheet.pdf()


def _zpl(shipment: Shipment, service: str, tracking_number: str) -> bytes:
    fields, y, room = [], 40, (812 - 2 * 48) / _DOTS_PER_MM
    # The printer's own letters are narrower than ours.
    sender = [line for text in lines(shipment.sender) for line in wrapped(text, room, 22 / _DOTS_PER_POINT)]
    for text in sender[:_SENDER_LINES_MAX]:
        fields.append(zpl_text(48, y, text, 22))
        y += 28
    y += 28
    size, recipient = _fitting(shipment.recipient, room, (_BLOCK_DOTS - y) / _DOTS_PER_MM)
    for text in recipient:
        fields.append(zpl_text(48, y, text, int(size * _DOTS_PER_POINT)))
        y += int(step(size) * _DOTS_PER_MM)
    y = _BLOCK_DOTS
    for text in (f"{service.upper()}   {shipment.parcel.weight_g / 1000:.3f} kg", tracking_number, shipment.reference):
        fields.append(zpl_text(48, y, text, 28))
        y += 34
    return zpl_label([*fields, *zpl_sscc(y, shipment.parcel.sscc)])


def _fitting(party: Party, room: float, height: float) -> tuple[float, list[str]]:
    """(size in points, lines) of the address within so many mm."""
    for size in _SIZES:
        out = [line for text in lines(party) for line in wrapped(text, room, size, bold=True)]
        if len(out) * step(size) <= height:
            break
    return size, out
