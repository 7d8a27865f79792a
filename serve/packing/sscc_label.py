"""The label of a parcel's own number (GS1 Logistic Label Guideline): the SSCC as GS1-128, with what people read. No name and no address."""

from __future__ import annotations

from typing import NamedTuple

from actors.domain.gs1 import SSCC_DIGITS, checked
from actors.domain.gs1_elements import Element, with_brackets
from actors.domain.shipment_commands import LabelFormat
from actors.paper import Sheet, step

_MARGIN_MM = 6.0
# Printers of 203 dots an inch, the usual ones: 8 dots a millimetre. A module of 4 dots is 0.5 mm.
_LABEL_DOTS = (812, 1218)
_MODULE_DOTS = 4
_BARS_DOTS = 32 * 8


class SsccLabel(NamedTuple):
    """What stands on it. carton of cartons: the k-th of n so far; weight_g: 0 while it is open."""

    sscc: str
    sender: str
    reference: str
    carton: int
    cartons: int
    weight_g: int


def sscc_label(label: SsccLabel, label_format: LabelFormat) -> bytes:
    """PDF of 4 × 6 inches, or ZPL. Errors: Refused `barcode.…` for an SSCC that is none."""
    checked(label.sscc, (SSCC_DIGITS,))
    facts = [label.sender, label.reference, f"{label.carton} / {label.cartons}"]
    if label.weight_g:
        facts.append(f"{label.weight_g / 1000:.3f} kg")
    return _pdf(label.sscc, facts) if label_format == "pdf" else _zpl(label.sscc, facts)


def _pdf(sscc: str, facts: list[str]) -> bytes:
    sheet = Sheet("label", sscc)
    y = sheet.lines(_MARGIN_MM, _MARGIN_MM + 6, facts, 12, bold=True)
    sheet.rule(_MARGIN_MM, y, sheet.size.width - _MARGIN_MM, y)
    sheet.text(_MARGIN_MM, y + step(10), "SSCC", 10)
    sheet.text(_MARGIN_MM, y + step(10) + step(18), sscc, 18, bold=True)
    sheet.gs1_128(_MARGIN_MM - 3, sheet.size.height - _MARGIN_MM - 45, [Element("00", sscc)])
    return sheet.pdf()


def _zpl(sscc: str, facts: list[str]) -> bytes:
    fields, y = ["^XA", "^CI28", f"^PW{_LABEL_DOTS[0]}", f"^LL{_LABEL_DOTS[1]}"], 48
    for text in [*facts, "SSCC", sscc]:
        fields.append(f"^FO48,{y}^A0N,40,40^FH_^FD{_quoted(text)}^FS")
        y += 52
    y = 820
    fields += [
        f"^FO88,{y}^BY{_MODULE_DOTS}^BCN,{_BARS_DOTS},N,N,N^FD>;>800{sscc}^FS",
        f"^FO88,{y + _BARS_DOTS + 12}^A0N,30,30^FH_^FD{with_brackets([Element('00', sscc)])}^FS",
        "^XZ",
    ]
    return "\n".join(fields).encode()


def _quoted(text: str) -> str:
    """Without signs that the printer would take for commands."""
    return "".join(f"_{ord(sign):02X}" if sign in "^~_\\" or ord(sign) < 0x20 else sign for sign in text)
