"""The label of a parcel's own number (GS1 Logistic Label Guideline): the SSCC as GS1-128, with what people read.
No name and no address."""

from __future__ import annotations

from typing import NamedTuple

from actors.domain.gs1 import SSCC_DIGITS, checked
from actors.domain.gs1_elements import Element
from actors.domain.shipment_commands import LabelFormat
from actors.paper import Sheet, step
from actors.zpl import zpl_label, zpl_sscc, zpl_text

_MARGIN_MM = 6.0


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
    fields = [zpl_text(48, 48 + 52 * at, text, 40) for at, text in enumerate([*facts, "SSCC", sscc])]
    return zpl_label([*fields, *zpl_sscc(820, sscc)])
