"""Papers for customs: the declaration (CN 22 or CN 23) and the commercial invoice, from one set of data.

Source: UPU Convention Manual, forms CN 22 and CN 23, whose fields these are; both are named in French as well, the
UPU's language. The layout is our own, on one sheet of paper: carriers that want their form print it themselves from the
same data (`partners/carrier.py`).
"""

from __future__ import annotations

from actors.domain.customs import CustomsDeclaration, Form, check, value_of
from actors.domain.postal import Party, lines
from actors.paper import Sheet, step, wrapped
from serve.packing.slip import SlipPaper
from serve.packing.table import BODY_SIZE, MARGIN_MM, Column, draw_table
from serve.packing.words import REASON_WORDS, WORDS, Language, amount, kilograms

FRENCH_TITLE = "DÉCLARATION EN DOUANE"
_SMALL = 8.0


def customs_form(declaration: CustomsDeclaration, form: Form, language: Language, paper: SlipPaper = "a4") -> bytes:
    """The declaration as PDF, with room for the signature. Errors: those of `customs.check`."""
    drawing = _Drawing(check(declaration), language, paper, f"{WORDS[language]['customs_declaration']} {form}")
    drawing.head(f"{FRENCH_TITLE} · {form.replace('CN', 'CN ')}")
    drawing.parties()
    drawing.goods()
    drawing.signed()
    return drawing.sheet.pdf()


def commercial_invoice(declaration: CustomsDeclaration, language: Language, paper: SlipPaper = "a4") -> bytes:
    """The invoice that goes with the goods, as PDF. Errors: those of `customs.check`."""
    drawing = _Drawing(check(declaration), language, paper, WORDS[language]["invoice"])
    drawing.head("")
    drawing.parties()
    drawing.goods()
    return drawing.sheet.pdf()


class _Drawing:
    def __init__(self, declaration: CustomsDeclaration, language: Language, paper: SlipPaper, title: str) -> None:
        self.told = declaration
        self.language: Language = language
        self.words = WORDS[language]
        self.title = title
        self.sheet = Sheet(paper, f"{title} {declaration.invoice_number}")
        self.right = self.sheet.size.width - MARGIN_MM
        self.bottom = self.sheet.size.height - MARGIN_MM
        self.y = MARGIN_MM + 5

    def head(self, second_title: str) -> None:
        told, words, sheet = self.told, self.words, self.sheet
        sheet.text(MARGIN_MM, self.y, self.title, 16, bold=True)
        if second_title:
            self.y += step(10) + 1
            sheet.text(MARGIN_MM, self.y, second_title, 10)
        self.y += 9
        reason = REASON_WORDS[self.language][told.reason]
        facts = [
            f"{words['invoice_number']}: {told.invoice_number}",
            f"{words['date']}: {told.declared_on}",
            f"{words['order']}: {told.order_id}",
            f"{words['reason']}: {reason}{f' ({told.reason_text})' if told.reason_text else ''}",
        ]
        if told.sender_tax_id:
            facts.append(f"{words['tax_id']}: {told.sender_tax_id}")
        self.y = sheet.lines(MARGIN_MM, self.y, [line for fact in facts for line in self._wrapped(fact)], BODY_SIZE) + 2

    def parties(self) -> None:
        """Sender and recipient beside each other."""
        half = (self.right - MARGIN_MM) / 2
        below = [
            self._party(self.words["sender"], self.told.sender, MARGIN_MM, half - 4),
            self._party(self.words["recipient"], self.told.recipient, MARGIN_MM + half, half - 4),
        ]
        self.y = max(below) + 4

    def _party(self, title: str, party: Party, x: float, room: float) -> float:
        self.sheet.text(x, self.y, title, BODY_SIZE, bold=True)
        told = lines(party) + ([f"{self.words['phone']}: {party.phone}"] if party.phone else [])
        block = [line for text in told for line in wrapped(text, room, BODY_SIZE)]
        return self.sheet.lines(x, self.y + step(BODY_SIZE), block, BODY_SIZE)

    def goods(self) -> None:
        """The goods, and what they come to."""
        words, language, told = self.words, self.language, self.told
        columns = [
            Column(words["contents"], 0.32), Column(words["units"], 0.12, right=True), Column(words["net_weight"], 0.15, right=True),
            Column(words["value"], 0.18, right=True), Column(words["hs_code"], 0.14), Column(words["origin"], 0.09),
        ]  # fmt: skip
        rows = [
            [
                line.description, str(line.units), kilograms(line.net_weight_g, language), amount(line.value, language),
                line.hs_code, line.origin,
            ]
            for line in told.lines
        ]  # fmt: skip
        self.y = draw_table(self.sheet, self.y, columns, rows, self.bottom, self._begin_page)
        sums = [
            f"{words['total']}: {amount(value_of(told), language)}",
            f"{words['net_weight']}: {kilograms(sum(line.net_weight_g for line in told.lines), language)}",
            f"{words['gross_weight']}: {kilograms(told.gross_weight_g, language)}",
        ]
        if told.postage is not None:
            sums.append(f"{words['postage']}: {amount(told.postage, language)}")
        self._make_room((len(sums) + 1) * step(BODY_SIZE))
        self.sheet.rule(MARGIN_MM, self.y, self.right, self.y)
        self.y = self.sheet.lines(MARGIN_MM, self.y + step(BODY_SIZE), sums, BODY_SIZE, bold=True)

    def signed(self) -> None:
        """What the sender certifies, and where he signs."""
        said = self._wrapped(self.words["certified"])
        self._make_room(len(said) * step(_SMALL) + 25)
        self.y = self.sheet.lines(MARGIN_MM, self.y + 4, said, _SMALL) + 12
        self.sheet.rule(MARGIN_MM, self.y, MARGIN_MM + 80, self.y)
        self.sheet.text(MARGIN_MM, self.y + step(_SMALL), self.words["signature"], _SMALL)

    def _wrapped(self, text: str) -> list[str]:
        return wrapped(text, self.right - MARGIN_MM, BODY_SIZE)

    def _make_room(self, height: float) -> None:
        if self.y + height > self.bottom:
            self.y = self._begin_page()

    def _begin_page(self) -> float:
        self.sheet.next_page()
        self.sheet.text(MARGIN_MM, MARGIN_MM + 4, f"{self.title} · {self.told.invoice_number}", BODY_SIZE)
        return MARGIN_MM + 14
