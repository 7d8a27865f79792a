"""A label that scanners read as another parcel's, that lacks letters, or whose address gives the printer commands."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pypdf import PdfReader

from actors.domain.postal import Party, lines
from partners.label_document import label_document
from partners.tracking_number import SERIALS, is_tracking_number, tracking_number
from tests.fakes.pdf_bars import read_symbol
from tests.unit.partners.samples import LODZ, MADRID, NEW_YORK, PARCEL, SHIPMENT

NUMBER = tracking_number("CP", 12_345_678)
FIELD = re.compile(r"\^FH_\^FD(.*?)\^FS")


def zpl_fields(shipment) -> list[str]:
    """What a printer shows: bytes as _xx are read, and nothing else of it is a command."""
    document = label_document(shipment, "standard", NUMBER, "zpl").decode()
    return [re.sub(r"_([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), text) for text in FIELD.findall(document)]


def test_a_pdf_label_says_something_else():
    shipment = replace(SHIPMENT, sender=MADRID, recipient=LODZ)
    made = label_document(shipment, "standard", NUMBER, "pdf")
    (page,) = PdfReader(io.BytesIO(made)).pages
    assert [float(side) for side in page.mediabox[2:]] == pytest.approx((288, 432), abs=0.01)
    text = page.extract_text()
    for words in (
        "Peñalver",
        "Zażółć Gęślą",
        "90-001 Łódź",
        NUMBER,
        "STANDARD",
        "1.500 kg",
        SHIPMENT.reference,
        f"(00){PARCEL.sscc}",
    ):
        assert words in text
    found = read_symbol(made)
    assert found.text == f"00{PARCEL.sscc}"
    # Ten modules of quiet on both sides, and the whole of it on the paper.
    assert found.left_mm >= 10 * found.module_mm
    assert found.right_mm <= 101.6 - 10 * found.module_mm


def test_a_zpl_label_says_something_else():
    document = label_document(SHIPMENT, "standard", NUMBER, "zpl").decode()
    assert document.startswith("^XA\n^CI28\n")
    assert document.endswith("^XZ")
    # `>;` begins in subset C, `>8` is FNC1: then the digits of (00).
    assert re.findall(r"\^BCN,256,N,N,N\^FD(.*?)\^FS", document) == [f">;>800{PARCEL.sscc}"]
    shown = zpl_fields(replace(SHIPMENT, recipient=LODZ))
    for words in (
        "Zażółć Gęślą",
        "90-001 Łódź",
        NUMBER,
        "STANDARD   1.500 kg",
        SHIPMENT.reference,
        f"(00){PARCEL.sscc}",
    ):
        assert words in shown


def test_an_address_gives_the_printer_commands():
    assert NEW_YORK.name in zpl_fields(SHIPMENT)
    plain = label_document(replace(SHIPMENT, recipient=replace(NEW_YORK, name="x")), "standard", NUMBER, "zpl")
    for name in ("^XZ^XA", "~JA", "a\\&b", "_5E", "^FS", "\x1b\n^XZ"):
        shipment = replace(SHIPMENT, recipient=replace(NEW_YORK, name=name))
        made = label_document(shipment, "standard", NUMBER, "zpl")
        assert made.count(b"^") == plain.count(b"^")
        assert made.count(b"~") == 0
        assert made.count(b"\n") == plain.count(b"\n")
        assert " ".join(name.split()) in zpl_fields(shipment)


MEXICO = Party(
    "María Fernanda Rodríguez de la Torre y Villanueva",
    ("Avenida Insurgentes Sur 1602, Piso 11, Despacho 1103, Colonia Crédito", "Constructor, entre Barranca del Muerto y Félix Cuevas, Delegación Benito Juárez"),
    "Ciudad de México", "03940", "MX",
)  # fmt: skip
LONGEST = replace(NEW_YORK, name="W" * 100, company="W" * 100, street=("W" * 100,) * 4, city="C" * 100)


@pytest.mark.parametrize("recipient", [MEXICO, LONGEST])
def test_a_long_address_ends_before_its_city_or_beside_the_paper(recipient):
    shipment = replace(SHIPMENT, recipient=recipient)
    (page,) = PdfReader(io.BytesIO(label_document(shipment, "standard", NUMBER, "pdf"))).pages
    shown = zpl_fields(shipment)
    # 0.4 of its height is what a letter of the printer's takes at least; the paper has 812 dots.
    widths = [
        int(height) * 0.4 * len(text)
        for height, text in re.findall(
            r"\^FO48,\d+\^A0N,(\d+),\d+\^FH_\^FD(.*?)\^FS", label_document(shipment, "standard", NUMBER, "zpl").decode()
        )
    ]
    assert max(widths) <= 812 - 2 * 48
    for text in (page.extract_text(), "\n".join(shown)):
        letters = "".join(text.split())
        for line in lines(recipient):
            assert "".join(line.split()) in letters


@pytest.mark.parametrize("label_format", ["pdf", "zpl"])
def test_a_long_address_runs_into_the_bars(label_format):
    long_lines = tuple("W" * 100 for _ in range(4))
    party = replace(NEW_YORK, name="N" * 100, street=long_lines, city="C" * 100)
    made = label_document(replace(SHIPMENT, sender=party, recipient=party), "express", NUMBER, label_format)
    if label_format == "pdf":
        assert read_symbol(made).text == f"00{PARCEL.sscc}"
        found: list[float] = []
        (page,) = PdfReader(io.BytesIO(made)).pages
        page.extract_text(visitor_text=lambda text, _, matrix, *rest: "W" in text and found.append(matrix[5]))
        # The block of service and bars begins 62 mm above the lower edge.
        assert min(found) > 62 / 25.4 * 72
    else:
        heights = [int(y) for y in re.findall(rb"\^FO48,(\d+)\^A0N", made)]
        assert heights == sorted(heights)
        assert heights[-4] + 40 <= 780


@given(st.integers(0, SERIALS - 1), st.data())
def test_a_tracking_number_that_was_mistyped_passes(serial, data):
    number = tracking_number("CP", serial)
    assert is_tracking_number(number)
    at = data.draw(st.integers(2, 9))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != number[at]]))
    mistyped = number[:at] + digit + number[at + 1 :]
    # Two of the eleven remainders are both told as 5: the standard's own gap.
    assert not is_tracking_number(mistyped) or number[10] == "5"


def test_the_check_digit_is_not_the_one_of_the_posts():
    # The example of UPU S10.
    assert tracking_number("EE", 47_312_482, "US") == "EE473124829US"
    assert is_tracking_number("RR473124829GB")
    assert not is_tracking_number("RR473124828GB")
    assert not is_tracking_number("RR47312482GB")
