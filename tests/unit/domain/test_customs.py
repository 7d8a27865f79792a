"""A declaration that customs would send back, and an address that no post finds."""

from datetime import date, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from actors.domain.customs import (
    CN22_VALUE_MAX,
    RATE_DAYS_MAX,
    CustomsDeclaration,
    CustomsLine,
    SdrRate,
    check,
    form_of,
    in_sdr,
    papers_of,
    value_of,
)
from actors.domain.errors import Refused
from actors.domain.money import AMOUNT_MAX, Money
from actors.domain.postal import Party, lines
from actors.domain.shipment_commands import Declared, DeclaredGoods

SENDER = Party("Shop", ("C/ Alcalá 5",), "Madrid", "28014", "ES")
RECIPIENT = Party("Ana", ("Rua Augusta 10",), "São Paulo", "01304-000", "BR")
LINE = CustomsLine("cotton shirts", 2, 400, Money(5000, "EUR"), "610910", "PT")
TOLD = CustomsDeclaration(SENDER, RECIPIENT, "gift", (LINE,), 400, "eu-1", "I-1", "2026-11-26")


def test_a_good_declaration_is_refused():
    assert check(TOLD) is TOLD
    assert value_of(replace(TOLD, lines=(LINE, LINE))) == Money(10_000, "EUR")
    full = replace(TOLD, lines=(replace(LINE, net_weight_g=1),) * 200)
    assert check(full) is full


@pytest.mark.parametrize(
    ("told", "code", "facts"),
    [
        (replace(TOLD, lines=()), "customs.nothing_declared", {"fields": ["lines"]}),
        (replace(TOLD, lines=(replace(LINE, net_weight_g=1),) * 201), "customs.too_many", {"lines_max": 200, "lines": 201, "fields": ["lines"]}),
        (replace(TOLD, recipient=SENDER), "customs.same_country", {"fields": ["sender.country", "recipient.country"]}),
        (replace(TOLD, reason="other", reason_text="  "), "customs.reason_missing", {"fields": ["reason_text"]}),
        (replace(TOLD, lines=(LINE, replace(LINE, value=Money(1, "USD"))), gross_weight_g=900), "customs.currencies", {"currencies": ["EUR", "USD"], "fields": ["lines.value.currency"]}),
        (replace(TOLD, gross_weight_g=399), "customs.weights", {"net_weight_g": 400, "gross_weight_g": 399, "fields": ["lines.net_weight_g", "gross_weight_g"]}),
        (replace(TOLD, lines=(replace(LINE, value=Money(AMOUNT_MAX, "EUR")), LINE), gross_weight_g=900), "customs.value", {"amount_max": AMOUNT_MAX, "fields": ["lines.value"]}),
        (replace(TOLD, lines=(LINE, replace(LINE, value=Money(0, "EUR"))), gross_weight_g=900), "customs.value", {"fields": ["lines.1.value"]}),
    ],
)  # fmt: skip
def test_what_contradicts_itself_passes(told, code, facts):
    with pytest.raises(Refused) as caught:
        check(told)
    assert (caught.value.body.code, caught.value.body.extra) == (code, facts)


@pytest.mark.parametrize(
    ("value_sdr", "gross_g", "small_packet", "form"),
    [
        (CN22_VALUE_MAX, 2_000, True, "CN22"),
        (CN22_VALUE_MAX + 1, 2_000, True, "CN23"),
        (CN22_VALUE_MAX, 2_001, True, "CN23"),
        (1, 400, False, "CN23"),
    ],
)
def test_the_short_form_goes_on_a_dear_heavy_or_large_parcel(value_sdr, gross_g, small_packet, form):
    assert form_of(replace(TOLD, gross_weight_g=gross_g), value_sdr, small_packet=small_packet) == form


# 300 SDR are 348.69 EUR.
RATE = SdrRate("EUR", 11_623, date(2026, 11, 20))


def worth(amount, **more):
    return replace(TOLD, lines=(replace(LINE, value=Money(amount, "EUR")),), **more)


def test_the_limit_is_a_cent_off():
    assert [in_sdr(Money(amount, "EUR"), RATE) for amount in (34_869, 34_870, 0)] == [30_000, 30_001, 0]
    assert papers_of(worth(34_869), RATE, small_packet=True).form == "CN22"
    assert papers_of(worth(34_870), RATE, small_packet=True).form == "CN23"


@pytest.mark.parametrize(
    ("told", "rate", "small_packet", "why"),
    [
        (worth(34_869), RATE, True, "small_packet"),
        (worth(34_870), RATE, True, "too_dear"),
        (worth(100), RATE, False, "a_parcel"),
        (worth(100, gross_weight_g=2_001), RATE, True, "too_heavy"),
        (worth(100), None, True, "no_rate"),
        (worth(100), replace(RATE, currency="USD"), True, "other_currency"),
        (worth(100), replace(RATE, on=date(2026, 11, 26) - timedelta(days=RATE_DAYS_MAX)), True, "small_packet"),
        (worth(100), replace(RATE, on=date(2026, 11, 25) - timedelta(days=RATE_DAYS_MAX)), True, "old_rate"),
    ],
)
def test_a_parcel_has_the_wrong_form(told, rate, small_packet, why):
    papers = papers_of(told, rate, small_packet=small_packet)
    assert (papers.form, papers.why) == ("CN22" if why == "small_packet" else "CN23", why)


def test_a_sale_has_no_invoice_or_a_present_has_one():
    for reason, invoice in (
        ("sale_of_goods", True),
        ("commercial_sample", True),
        ("gift", False),
        ("documents", False),
    ):
        assert papers_of(worth(40_000, reason=reason), RATE, small_packet=True).invoice == invoice
    assert not papers_of(worth(100, reason="sale_of_goods"), RATE, small_packet=True).invoice


@pytest.mark.parametrize("code", ["61", "6109101", "61091O", "61091012345", ""])
def test_an_hs_code_that_is_none_is_decoded(code):
    raw = msgspec.to_builtins(replace(LINE, hs_code=code))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(raw, CustomsLine)


@pytest.mark.parametrize("name", ["a\nb", "a\x00", "", "x" * 101, "a\x1db", "a\n"])
def test_a_name_breaks_out_of_its_field_on_a_label(name):
    raw = msgspec.to_builtins(replace(SENDER, name=name))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(raw, Party)


def test_the_postcode_stands_where_the_country_does_not_look_for_it():
    assert lines(SENDER) == ["Shop", "C/ Alcalá 5", "28014 Madrid", "ES"]
    american = Party("Mia", ("1 Main St", "Apt 2"), "Seattle", "98101", "US", company="Acme", state="WA")
    assert lines(american) == ["Mia", "Acme", "1 Main St", "Apt 2", "Seattle WA 98101", "US"]


def test_what_an_older_program_kept_of_a_declaration_can_not_be_read():
    old = b'{"reason":"gift","reason_text":"","sender_tax_id":"IM1"}'
    assert msgspec.json.decode(old, type=Declared) == Declared("gift", "", "IM1")
    kept = Declared("gift", "", "IM1", "2026-11-26", "EUR", [DeclaredGoods("Tea", 2, 400, 5_000, "441990", "PT")])
    for codec in (msgspec.json, msgspec.msgpack):
        assert codec.decode(codec.encode(kept), type=Declared) == kept
