"""A shipping label of 4 × 6 inches, as PDF and as ZPL: sender, recipient, service, tracking number, and the SSCC as GS1-128.

Sources: GS1 Logistic Label Guideline (what stands where; the SSCC's bars at the bottom); Zebra ZPL II Programming Guide (^BC: Code 128, `>;` starts
subset C and `>8` is FNC1; ^FH: bytes as _xx; ^CI28: UTF-8).
"""

from __future__ import annotations

from actors.domain.gs1_elements import Element, with_brackets
from actors.domain.postal import lines
from actors.paper import Sheet, step, wrapped
from partners.carrier import LabelFormat, Shipment

_MARGIN_MM = 6.0
# Printers of 203 dots an inch, the usual ones: 8 dots a millimetre. A module of 4 dots is 0.5 mm.
_DOTS_PER_MM = 8
_LABEL_DOTS = (812, 1218)
_MODULE_DOTS = 4
_BARS_DOTS = 32 * _DOTS_PER_MM


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
    sscc = shipment.parcel.sscc
    fields = ["^XA", "^CI28", f"^PW{_LABEL_DOTS[0]}", f"^LL{_LABEL_DOTS[1]}"]
    y = 40
    for text, height in [(line, 22) for line in lines(shipment.sender)[:7]] + [("", 22)]:
        fields.append(_field(48, y, text, height))
        y += height + 6
    for text in lines(shipment.recipient)[:9]:
        fields.append(_field(48, y, text, 40))
        y += 48
    y = 780
    for text in (f"{service.upper()}   {shipment.parcel.weight_g / 1000:.3f} kg", tracking_number, shipment.reference):
        fields.append(_field(48, y, text, 28))
        y += 34
    fields += [
        f"^FO88,{y}^BY{_MODULE_DOTS}^BCN,{_BARS_DOTS},N,N,N^FD>;>800{sscc}^FS",
        _field(88, y + _BARS_DOTS + 12, with_brackets([Element("00", sscc)]), 30),
        "^XZ",
    ]
    return "\n".join(fields).encode()


def _field(x: int, y: int, text: str, height: int) -> str:
    return f"^FO{x},{y}^A0N,{height},{height}^FH_^FD{_quoted(text)}^FS"


def _quoted(text: str) -> str:
    """The text without signs that the printer would take for commands, or for the beginning of a byte (`_`)."""
    return "".join(f"_{ord(sign):02X}" if sign in "^~_\\" or ord(sign) < 0x20 else sign for sign in text)
