"""The packing slip: what is in one carton of an order, for whoever opens it.

No prices unless asked for, and never those of a present, which has its giver's words instead. The SSCC stands there as
GS1-128, so that a return can be scanned by its slip.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from actors.domain.gs1 import SSCC_DIGITS, checked
from actors.domain.gs1_elements import Element
from actors.domain.money import Money
from actors.domain.order_terms_state import GIFT_MAX
from actors.domain.personal_notes import PURCHASE, SHOWN_GIFT, SHOWN_REFERENCE
from actors.domain.postal import Party, lines
from actors.domain.shipment_state import CONTENTS_MAX, PARCELS_MAX
from actors.paper import BARS_HEIGHT_MM, Sheet, step, wrapped
from serve.packing.table import BODY_SIZE, MARGIN_MM, Column, draw_table
from serve.packing.words import WORDS, Language, amount, kilograms

# All that a shipment's parcels may hold can be in one of them: a slip takes as many pages as that needs.
SLIP_LINES_MAX = CONTENTS_MAX
SlipPaper = Literal["a4", "letter"]


class SlipLine(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Units of one SKU in this carton. price: of one unit; shown only on slips with prices."""

    sku: Annotated[str, PURCHASE]
    article: Annotated[str, PURCHASE]
    units: Annotated[int, PURCHASE]
    price: Money | None = None


class Slip(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What a slip says. carton of cartons: this is the k-th of n. reference: of the customer, "" for none.
    weight_g: of the packed carton. message: of who gives it.

    It is made of what orders, parcels and the catalogue let in, and is decoded from nothing. That they let in no more
    than a slip can say is asserted when one is made."""

    order_id: str
    recipient: Party
    slip_lines: tuple[SlipLine, ...]
    carton: int
    cartons: int
    sscc: str
    weight_g: int
    language: Language = "en"
    paper: SlipPaper = "a4"
    reference: Annotated[str, SHOWN_REFERENCE] = ""
    message: Annotated[str, SHOWN_GIFT] = ""
    with_prices: bool = False

    def __post_init__(self) -> None:
        """Raises AssertionError."""
        assert 1 <= len(self.slip_lines) <= SLIP_LINES_MAX, "what a parcel may hold, and something"
        assert len(self.message) <= GIFT_MAX, "as long as an order takes it"
        assert 1 <= self.carton <= self.cartons <= PARCELS_MAX, "the k-th of n cartons"


def packing_slip(slip: Slip) -> bytes:
    """The slip as PDF. The same slip gives the same bytes.

    Errors: `barcode.check_digit` and the like for an SSCC that is none."""
    checked(slip.sscc, (SSCC_DIGITS,))
    # Drawn twice: how many pages there are is known at the end only.
    pages = _Drawing(slip, 0).draw().page
    return _Drawing(slip, pages).draw().sheet.pdf()


class _Drawing:
    def __init__(self, slip: Slip, pages: int) -> None:
        self.slip = slip
        self.words = WORDS[slip.language]
        self.pages = pages
        self.page = 1
        self.sheet = Sheet(slip.paper, f"{self.words['packing_slip']} {slip.order_id}")
        self.bottom = self.sheet.size.height - MARGIN_MM - step(BODY_SIZE)

    def draw(self) -> _Drawing:
        y = self._head()
        y = draw_table(self.sheet, y, self._columns(), self._rows(), self.bottom, self._begin_page)
        y = self._sum(y)
        self._message(y)
        return self

    def _head(self) -> float:
        """The first page's head: whose and which carton, the bars, where it goes."""
        slip, words, sheet = self.slip, self.words, self.sheet
        right = sheet.size.width - MARGIN_MM
        sheet.text(MARGIN_MM, MARGIN_MM + 5, words["packing_slip"], 18, bold=True)
        sheet.text(
            right, MARGIN_MM + 5, f"{words['carton']} {slip.carton} {words['of']} {slip.cartons}", 14, bold=True, right=True
        )  # fmt: skip
        y = MARGIN_MM + 14
        facts = [f"{words['order']}: {slip.order_id}"]
        if slip.reference:
            facts.append(f"{words['reference']}: {slip.reference}")
        facts.append(f"{words['weight']}: {kilograms(slip.weight_g, slip.language)}")
        sheet.lines(MARGIN_MM, y, facts, 10)
        address = [line for text in lines(slip.recipient) for line in wrapped(text, right / 2 - MARGIN_MM, 10)]
        sheet.text(right / 2 + MARGIN_MM / 2, y, words["ship_to"], 10, bold=True)
        below = sheet.lines(right / 2 + MARGIN_MM / 2, y + step(10), address, 10)
        y = max(below, y + 4 * step(10)) + 2
        y = sheet.gs1_128(MARGIN_MM, y, [Element("00", slip.sscc)], BARS_HEIGHT_MM)
        self._foot()
        return y + 4

    def _begin_page(self) -> float:
        self.sheet.next_page()
        self.page += 1
        self._foot()
        slip, words = self.slip, self.words
        self.sheet.text(
            MARGIN_MM, MARGIN_MM + 4,
            f"{words['order']}: {slip.order_id} · {words['carton']} {slip.carton} {words['of']} {slip.cartons}", BODY_SIZE,
        )  # fmt: skip
        return MARGIN_MM + 14

    def _foot(self) -> None:
        text = f"{self.words['page']} {self.page} {self.words['of']} {self.pages}"
        size = self.sheet.size
        self.sheet.text(size.width - MARGIN_MM, size.height - MARGIN_MM + 4, text, 8, right=True)

    def _columns(self) -> list[Column]:
        words = self.words
        if self.slip.with_prices:
            return [
                Column(words["sku"], 0.2), Column(words["article"], 0.44), Column(words["price"], 0.21, right=True),
                Column(words["units"], 0.15, right=True),
            ]  # fmt: skip
        return [Column(words["sku"], 0.25), Column(words["article"], 0.6), Column(words["units"], 0.15, right=True)]

    def _rows(self) -> list[list[str]]:
        return [self._row(line) for line in self.slip.slip_lines]

    def _row(self, line: SlipLine) -> list[str]:
        price = [amount(line.price, self.slip.language) if line.price else ""] if self.slip.with_prices else []
        return [line.sku, line.article, *price, str(line.units)]

    def _sum(self, y: float) -> float:
        if y + 2 * step(10) > self.bottom:
            y = self._begin_page()
        units = sum(line.units for line in self.slip.slip_lines)
        text = f"{self.words['total_units']}: {units}"
        self.sheet.text(self.sheet.size.width - MARGIN_MM - 2, y + 2, text, 10, bold=True, right=True)
        return y + 2 + step(10)

    def _message(self, y: float) -> None:
        if not self.slip.message:
            return
        said = wrapped(self.slip.message, self.sheet.size.width - 2 * MARGIN_MM, 10)
        if y + (len(said) + 2) * step(10) > self.bottom:
            y = self._begin_page()
        self.sheet.text(MARGIN_MM, y + step(10), self.words["gift"], 10, bold=True)
        self.sheet.lines(MARGIN_MM, y + 2 * step(10), said, 10)
