"""Paper that lies: names with holes, bars that a scanner reads as something else, letters beyond the edge."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from actors.domain.gs1 import sscc
from actors.domain.gs1_elements import CHARACTERS, Element, parse, with_brackets, write
from actors.paper import (
    MODULE_MM,
    QUIET_MODULES,
    SIZES,
    SYMBOL_CHARS_MAX,
    UNKNOWN,
    Sheet,
    shown,
    symbol,
    width,
    wrapped,
)
from tests.fakes.pdf_bars import read_symbol

NAMES = [
    "José Muñoz",
    "Łukasz Wójcik, Łódź",
    "João Conceição",
    "Jürgen Groß",
    "Žofie Dvořáková",
    "Ærøskøbing",
    "Øyvind Ås",
    "İstanbul",
    "Αθήνα",
]
SSCC = Element("00", sscc("9521234", 42))


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_loses_letters(name):
    sheet = Sheet("a4", name)
    sheet.text(20, 20, name)
    sheet.text(20, 30, name, 12, bold=True)
    assert text_of(sheet.pdf()).splitlines() == [name, name]
    assert UNKNOWN not in shown(name)


def test_letters_that_the_font_lacks_are_left_out_without_a_word():
    assert shown("Mia 🎂 李\x00") == f"Mia {UNKNOWN} {UNKNOWN}{UNKNOWN}"
    sheet = Sheet("a4", "李")
    sheet.text(20, 20, "李 A")
    assert text_of(sheet.pdf()).strip() == f"{UNKNOWN} A"


@pytest.mark.parametrize("paper", SIZES)
def test_a_page_has_another_size(paper):
    sheet = Sheet(paper, "")
    sheet.next_page()
    sheet.text(1, 1, "second")
    pages = PdfReader(io.BytesIO(sheet.pdf())).pages
    assert len(pages) == 2
    for page in pages:
        found = [float(side) / 72 * 25.4 for side in page.mediabox[2:]]
        assert found == pytest.approx([SIZES[paper].width, SIZES[paper].height], abs=0.01)


def test_the_same_document_has_other_bytes():
    def made() -> bytes:
        sheet = Sheet("a4", "Łódź")
        sheet.text(20, 20, "Łódź")
        sheet.gs1_128(20, 40, [SSCC])
        return sheet.pdf()

    assert made() == made()


# --- bars -----------------------------------------------------------------------------------------------------------
def scanned(elements):
    sheet = Sheet("a4", "")
    sheet.gs1_128(10, 10, elements)
    pdf = sheet.pdf()
    return read_symbol(pdf), text_of(pdf)


def test_an_sscc_is_scanned_as_another_one_or_is_too_fine_for_scanners():
    found, text = scanned([SSCC])
    assert parse(found.text) == [SSCC]
    assert with_brackets([SSCC]) in text
    # GS1 General Specifications, 5.12.3.5: at least 0.495 mm a module and 31.75 mm of height on logistic units.
    assert found.module_mm == pytest.approx(MODULE_MM, abs=0.002)
    assert found.height_mm >= 31.7
    assert found.left_mm - 10 >= QUIET_MODULES * found.module_mm - 0.01


lots = st.text(sorted(CHARACTERS), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(lots, st.text("0123456789", min_size=1, max_size=12), st.text("0123456789", min_size=1, max_size=4))
def test_bars_say_something_else_than_the_elements(lot, serial, units):
    elements = [Element("10", lot), Element("21", serial), Element("30", units)]
    try:
        found, _ = scanned(elements)
    except ValueError:
        assert symbol_is_too_long(elements)
    else:
        assert found.text == write(elements)


def symbol_is_too_long(elements) -> bool:
    try:
        symbol(elements)
    except ValueError as error:
        return "wider" in str(error) or len(write(elements)) > SYMBOL_CHARS_MAX
    return False


def test_more_than_goes_into_one_symbol_is_printed():
    with pytest.raises(ValueError, match="48 go into"):
        symbol([Element("10", "1" * 20), Element("21", "1" * 20), Element("400", "1" * 20)])
    with pytest.raises(ValueError, match=r"wider than 165\.1 mm"):
        symbol([Element("10", "abcdefghijklmnopqrst"), Element("21", "abcdefghijklmnop")])


# --- lines ----------------------------------------------------------------------------------------------------------
@given(st.text(st.sampled_from("abW ilź-"), max_size=80), st.floats(8, 80))
def test_a_line_is_wider_than_its_room_or_words_are_lost(text, room):
    found = wrapped(text, room)
    assert found
    assert all(width(line) <= room or len(line) == 1 for line in found)
    assert "".join(found).replace(" ", "") == text.replace(" ", "")
