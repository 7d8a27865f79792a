"""Papers that keep a parcel at the border: fields that are missing, sums that don't add up, the wrong form."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pypdf import PdfReader

from actors.domain.customs import REASONS, CustomsDeclaration, CustomsLine
from actors.domain.errors import Refused
from actors.domain.money import Money
from actors.domain.postal import Party
from serve.packing.customs_papers import commercial_invoice, customs_form
from serve.packing.words import REASON_WORDS

SENDER = Party("Peñalver e Hijos", ("C/ Alcalá 5",), "Madrid", "28014", "ES", phone="+34910000000")
RECIPIENT = Party("João Conceição", ("Rua Augusta 10",), "São Paulo", "01304-000", "BR")
SHIRTS = CustomsLine("cotton shirts, men's", 2, 400, Money(5000, "EUR"), "610910", "PT")
MUG = CustomsLine("stoneware mug", 1, 350, Money(1250, "EUR"), "6912002510", "ES")
TOLD = CustomsDeclaration(
    sender=SENDER,
    recipient=RECIPIENT,
    reason="sale_of_goods",
    lines=(SHIRTS, MUG),
    gross_weight_g=900,
    order_id="eu-1",
    invoice_number="INV-2026-7",
    declared_on="2026-11-26",
    sender_tax_id="ESB12345678",
    postage=Money(1890, "EUR"),
)


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


@pytest.mark.parametrize("form", ["CN22", "CN23"])
def test_a_field_of_the_form_is_missing(form):
    text = text_of(customs_form(TOLD, form, "en"))
    fields = [
        "Customs declaration", "DÉCLARATION EN DOUANE", form.replace("CN", "CN "), "INV-2026-7", "2026-11-26", "eu-1", "Sale of goods",
        "ESB12345678", "Peñalver e Hijos", "C/ Alcalá 5", "28014 Madrid", "+34910000000", "João Conceição", "01304-000 São Paulo",
        "cotton shirts, men's", "0.400 kg", "50.00 EUR", "610910", "PT", "stoneware mug", "6912002510", "Total: 62.50 EUR",
        "Net weight: 0.750 kg", "Gross weight: 0.900 kg", "Postage: 18.90 EUR", "I certify", "signature",
    ]  # fmt: skip
    flat = " ".join(text.split())
    assert [field for field in fields if field not in flat] == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["Commercial invoice", "Description of contents", "Total: 62.50 EUR"]),
        ("es", ["Factura comercial", "Descripción del contenido", "Total: 62,50 EUR"]),
        ("pt", ["Fatura comercial", "Descrição do conteúdo", "Total: 62,50 EUR"]),
    ],
)
def test_the_invoice_is_in_another_language(language, said):
    text = " ".join(text_of(commercial_invoice(TOLD, language, "letter")).split())
    assert [words for words in said if words not in text] == []


@pytest.mark.parametrize(("paper", "size"), [("a4", (595.28, 841.89)), ("letter", (612, 792))])
def test_the_printer_has_no_such_paper(paper, size):
    for pdf in (customs_form(TOLD, "CN23", "pt", paper), commercial_invoice(TOLD, "pt", paper)):
        assert [float(side) for side in PdfReader(io.BytesIO(pdf)).pages[0].mediabox[2:]] == pytest.approx(
            size, abs=0.02
        )


@pytest.mark.parametrize("reason", REASONS)
def test_the_reason_is_not_told(reason):
    told = replace(TOLD, reason=reason, reason_text="for repair" if reason == "other" else "")
    assert REASON_WORDS["es"][reason] in text_of(customs_form(told, "CN22", "es"))
    assert ("for repair" in text_of(customs_form(told, "CN22", "es"))) == (reason == "other")


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 120))
def test_goods_are_lost_between_pages_or_the_signature_is(count):
    goods = tuple(replace(SHIRTS, description=f"shirt no. {n:03}.") for n in range(count))
    text = text_of(customs_form(replace(TOLD, lines=goods, gross_weight_g=100_000), "CN23", "en"))
    assert [n for n in range(count) if text.count(f"shirt no. {n:03}.") != 1] == []
    assert "Date and signature of the sender" in text


def test_what_makes_no_sense_is_printed():
    for prints in (lambda told: customs_form(told, "CN22", "en"), lambda told: commercial_invoice(told, "en")):
        with pytest.raises(Refused) as caught:
            prints(replace(TOLD, lines=()))
        assert caught.value.body.code == "customs.nothing_declared"
