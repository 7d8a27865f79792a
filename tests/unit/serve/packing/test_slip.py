"""A packing slip that is wrong: a gift's price, another carton's SSCC, lines or letters that are missing, a
page that no printer has."""

import io
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pypdf import PdfReader

from actors.domain.errors import Refused
from actors.domain.gs1 import sscc
from actors.domain.money import Money
from actors.domain.order_terms_state import GIFT_MAX
from actors.domain.postal import Party
from actors.domain.shipment_state import CONTENTS_MAX, PARCELS_MAX
from serve.packing.slip import Slip, SlipLine, packing_slip
from serve.packing.words import LANGUAGES, REASON_WORDS, WORDS, amount, kilograms
from tests.fakes.pdf_bars import read_symbol

SSCC = sscc("9521234", 42)
RECIPIENT = Party("Zażółć Gęślą", ("Rua São João 5, ação", "2º"), "Łódź", "90-001", "PL")
SLIP = Slip(
    order_id="us-01jd3k8v9r7h3k2m9qk4t1x0ab",
    recipient=RECIPIENT,
    slip_lines=(
        SlipLine("85123A", "Camisa ñandú", 2, Money(1299, "EUR")),
        SlipLine("71053", "Vela", 1, Money(350, "EUR")),
    ),
    carton=1,
    cartons=3,
    sscc=SSCC,
    weight_g=1250,
)


def pages_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["Packing slip", "Carton 1 of 3", "Ship to", "Article", "Units in this carton: 3", "Weight: 1.250 kg"]),
        (
            "es",
            ["Lista de contenido", "Caja 1 de 3", "Enviar a", "Artículo", "Unidades en esta caja: 3", "Peso: 1,250 kg"],
        ),
        (
            "pt",
            ["Lista de conteúdo", "Caixa 1 de 3", "Enviar para", "Artigo", "Unidades nesta caixa: 3", "Peso: 1,250 kg"],
        ),
    ],
)
def test_the_slip_is_in_another_language_or_says_less(language, said):
    (text,) = pages_of(packing_slip(replace(SLIP, language=language, reference="PO 7/ł")))
    for words in [*said, SLIP.order_id, "PO 7/ł", "85123A", "Camisa ñandú", "71053", "Vela", f"(00){SSCC}"]:
        assert words in text
    for line in ("Zażółć Gęślą", "Rua São João 5, ação", "2º", "90-001 Łódź", "PL"):
        assert line in text.splitlines()


def test_a_gift_shows_its_price():
    (text,) = pages_of(packing_slip(SLIP))
    assert not [word for word in ("12.99", "3.50", "EUR", "Price") if word in text]
    (text,) = pages_of(packing_slip(replace(SLIP, with_prices=True)))
    assert "12.99 EUR" in text
    assert "3.50 EUR" in text


@pytest.mark.parametrize(("paper", "size"), [("a4", (595.28, 841.89)), ("letter", (612, 792))])
def test_the_printer_has_no_such_paper(paper, size):
    for page in PdfReader(io.BytesIO(packing_slip(replace(SLIP, paper=paper)))).pages:
        assert [float(side) for side in page.mediabox[2:]] == pytest.approx(size, abs=0.02)


@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_the_bars_are_another_cartons(paper):
    assert read_symbol(packing_slip(replace(SLIP, paper=paper))).text == f"00{SSCC}"


lines = st.lists(
    st.tuples(st.text(st.sampled_from("abcł W"), max_size=150), st.integers(1, 99)), min_size=1, max_size=80
)


@settings(max_examples=25, deadline=None)
@given(lines, st.sampled_from(["a4", "letter"]), st.booleans(), st.sampled_from(["", "feliz " * 80]))
def test_a_line_is_lost_between_pages_or_stands_twice(articles, paper, prices, message):
    told = tuple(SlipLine(f"S{n:03}X", article, units) for n, (article, units) in enumerate(articles))
    made = packing_slip(replace(SLIP, slip_lines=told, paper=paper, with_prices=prices, message=message.strip()))
    pages = pages_of(made)
    words = Counter(word for text in pages for word in text.split())
    assert {f"S{n:03}X": words[f"S{n:03}X"] for n in range(len(told))} == {line.sku: 1 for line in told}
    assert words["feliz"] == message.count("feliz")
    for number, text in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in text
        assert SLIP.order_id in text
        assert "Carton 1 of 3" in text
    assert (
        f"Units in this carton: {sum(line.units for line in told)}" in pages[-1] + pages[-2 if len(pages) > 1 else -1]
    )


def lowest(pdf: bytes) -> float:
    """How far from the lower edge the lowest letter stands, in points."""
    found: list[float] = []
    for page in PdfReader(io.BytesIO(pdf)).pages:
        page.extract_text(visitor_text=lambda text, _, matrix, *rest: text.strip() and found.append(matrix[5]))
    return min(found)


@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_text_goes_over_the_lower_edge(paper):
    told = tuple(SlipLine(f"S{n}", "word " * 39, 1) for n in range(300))
    made = packing_slip(replace(SLIP, slip_lines=told, paper=paper, message=("x" * 99 + " ") * 5))
    assert lowest(made) > 20
    assert len(pages_of(made)) > 10


def test_the_same_slip_is_another_document():
    assert packing_slip(SLIP) == packing_slip(SLIP)
    assert packing_slip(SLIP) != packing_slip(replace(SLIP, carton=2))


def test_an_sscc_that_is_none_is_printed():
    with pytest.raises(Refused) as caught:
        packing_slip(replace(SLIP, sscc=SSCC[:-1] + str((int(SSCC[-1]) + 1) % 10)))
    assert caught.value.body.code == "barcode.check_digit"


def test_a_parcel_that_may_be_packed_has_no_slip():
    told = tuple(SlipLine(f"S{n:04}X", "Vela", 1) for n in range(CONTENTS_MAX))
    pages = pages_of(packing_slip(replace(SLIP, slip_lines=told, message="x" * GIFT_MAX)))
    assert [line.sku for line in told] == [word for text in pages for word in text.split() if word.endswith("X")]


@pytest.mark.parametrize(
    "more",
    [
        {"slip_lines": ()},
        {"slip_lines": (SlipLine("S", "Vela", 1),) * (CONTENTS_MAX + 1)},
        {"message": "x" * (GIFT_MAX + 1)},
        {"carton": 4},
        {"carton": 0},
        {"cartons": PARCELS_MAX + 1},
    ],
)
def test_a_slip_says_more_than_there_can_be(more):
    with pytest.raises(AssertionError):
        replace(SLIP, **more)


def test_a_word_is_missing_in_a_language():
    for told in (WORDS, REASON_WORDS):
        assert set(told) == set(LANGUAGES)
        assert all(set(words) == set(told["en"]) for words in told.values())
    assert all(word.strip() for words in (*WORDS.values(), *REASON_WORDS.values()) for word in words.values())


@pytest.mark.parametrize(
    ("money", "language", "said"),
    [
        (Money(1299, "USD"), "en", "12.99 USD"),
        (Money(5, "EUR"), "es", "0,05 EUR"),
        (Money(12_990, "CLP"), "es", "12990 CLP"),
        (Money(1_234, "KWD"), "en", "1.234 KWD"),
        (Money(100_000, "BRL"), "pt", "1000,00 BRL"),
    ],
)
def test_an_amount_is_a_hundred_times_another(money, language, said):
    assert amount(money, language) == said


def test_a_weight_is_a_thousand_times_another():
    assert kilograms(5, "en") == "0.005 kg"
    assert kilograms(1_234_000, "pt") == "1234,000 kg"
