"""What customs are told of a parcel that leaves a country: goods, values, weights, origins and why it is sent.

Sources
- Universal Postal Union, Convention Manual (Berne 2018): Convention Art. 20 (customs control) with the Regulations to
  it, 20-001: a letter-post item has a CN 22, and one that is worth more than 300 SDR, or whose sender prefers it, a CN
  23; parcels have a CN 23 always. Small packets weigh up to 2 kg: Convention Art. 17 (basic services).
- WCO-UPU Postal Customs Guide (June 2018), IV.j: which form goes with what, what stands on it, and that commercial
  goods have an invoice with their CN 23.
- What an SDR is worth in a currency the International Monetary Fund says, day by day.
- HS codes are those of the World Customs Organization: six digits everywhere, up to ten with a country's own.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec

from actors.domain.errors import Refused
from actors.domain.ids import END
from actors.domain.money import AMOUNT_MAX, Money
from actors.domain.personal_notes import SHOWN_NOTE
from actors.domain.postal import LINE, Party

CN22_VALUE_MAX = 300_00
CN22_WEIGHT_G_MAX = 2_000
LINES_MAX = 200
WEIGHT_G_MAX = 1_000_000

Reason = Literal["sale_of_goods", "gift", "commercial_sample", "documents", "returned_goods", "other"]
REASONS: tuple[Reason, ...] = get_args(Reason)
# Of a business transaction, whether or not it is paid for.
COMMERCIAL: frozenset[Reason] = frozenset({"sale_of_goods", "commercial_sample", "returned_goods"})
Form = Literal["CN22", "CN23"]
# Why it is that form: `small_packet` is the one that makes it a CN 22.
Why = Literal["small_packet", "a_parcel", "too_heavy", "too_dear", "no_rate", "old_rate", "other_currency"]
# An older rate says too little of what it is worth today.
RATE_DAYS_MAX = 366

_Text = Annotated[str, msgspec.Meta(max_length=64, pattern=LINE)]
_Weight = Annotated[int, msgspec.Meta(ge=1, le=WEIGHT_G_MAX, description="g")]


class CustomsLine(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Goods of one kind. description: what it is ("cotton shirts, men's", not "clothes"). net_weight_g and value:
    of all its units together.
    origin: where it was made, ISO 3166-1 alpha-2."""

    description: Annotated[str, msgspec.Meta(min_length=3, max_length=100, pattern=LINE)]
    units: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    net_weight_g: _Weight
    value: Money
    hs_code: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}([0-9]{2}){0,2}" + END, examples=["610910"])]
    origin: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}" + END)]


class CustomsDeclaration(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The declaration of one parcel, and the invoice that goes with it.

    reason_text: in words, when the reason is "other". sender_tax_id: the sender's number in the country of arrival or
    departure (IOSS, EORI, CNPJ, …).
    declared_on: the day, YYYY-MM-DD. postage: what the carrier was paid, None when it is not told."""

    sender: Party
    recipient: Party
    reason: Reason
    lines: Annotated[tuple[CustomsLine, ...], msgspec.Meta(max_length=LINES_MAX)]
    gross_weight_g: _Weight
    order_id: _Text
    invoice_number: _Text
    declared_on: Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}" + END)]
    reason_text: Annotated[_Text, SHOWN_NOTE] = ""
    sender_tax_id: _Text = ""
    postage: Money | None = None


class SdrRate(msgspec.Struct, frozen=True, gc=False):
    """What 100 special drawing rights cost on a day, in minor units of a currency."""

    currency: str
    minor_per_100: int
    on: date


class Papers(NamedTuple):
    """What has to go with a parcel. value_sdr: in hundredths of an SDR, None when nobody knows the rate."""

    form: Form
    why: Why
    invoice: bool
    value_sdr: int | None


def check(declaration: CustomsDeclaration) -> CustomsDeclaration:
    """The declaration, when it makes sense as a whole.

    Errors, each with the `fields` that it is about: `customs.nothing_declared`, `customs.too_many`,
    `customs.same_country`, `customs.reason_missing`, `customs.currencies`, `customs.weights`, `customs.value`."""
    if not declaration.lines:
        raise Refused("customs.nothing_declared", "There are no goods in the declaration.", fields=["lines"])
    if len(declaration.lines) > LINES_MAX:
        detail = f"One parcel declares at most {LINES_MAX} kinds of goods: pack the rest in another."
        raise Refused("customs.too_many", detail, lines_max=LINES_MAX, lines=len(declaration.lines), fields=["lines"])
    if declaration.sender.country == declaration.recipient.country:
        ends = ["sender.country", "recipient.country"]
        raise Refused("customs.same_country", "The parcel does not leave the country.", fields=ends)
    if declaration.reason == "other" and not declaration.reason_text.strip():
        raise Refused("customs.reason_missing", 'Reason "other" has to be told in words.', fields=["reason_text"])
    currencies = sorted({line.value.currency for line in declaration.lines})
    if len(currencies) > 1:
        detail = "All values have to be in one currency."
        raise Refused("customs.currencies", detail, currencies=currencies, fields=["lines.value.currency"])
    net = sum(line.net_weight_g for line in declaration.lines)
    if net > declaration.gross_weight_g:
        raise Refused(
            "customs.weights", "The goods weigh more than the parcel.",
            net_weight_g=net, gross_weight_g=declaration.gross_weight_g, fields=["lines.net_weight_g", "gross_weight_g"],
        )  # fmt: skip
    worthless = [str(position) for position, line in enumerate(declaration.lines) if not line.value.amount]
    if worthless:
        detail = "Goods without a value: gifts and samples have one too."
        raise Refused("customs.value", detail, fields=[f"lines.{position}.value" for position in worthless[:20]])
    if value_of(declaration).amount > AMOUNT_MAX:
        detail = "The declared value is larger than we take."
        raise Refused("customs.value", detail, amount_max=AMOUNT_MAX, fields=["lines.value"])
    return declaration


def value_of(declaration: CustomsDeclaration) -> Money:
    """What all goods are worth. The declaration has been checked."""
    return Money(sum(line.value.amount for line in declaration.lines), declaration.lines[0].value.currency)


def in_sdr(value: Money, rate: SdrRate) -> int:
    """In hundredths of an SDR, rounded up: what is on the limit to the last cent is within it."""
    assert value.currency == rate.currency
    return -(-value.amount * 10_000 // rate.minor_per_100)


def form_of(declaration: CustomsDeclaration, value_sdr: int, *, small_packet: bool) -> Form:
    """Which form goes on it. value_sdr: the value in hundredths of a special drawing right, at the day's rate,
    which the caller knows."""
    small = small_packet and value_sdr <= CN22_VALUE_MAX and declaration.gross_weight_g <= CN22_WEIGHT_G_MAX
    return "CN22" if small else "CN23"


def papers_of(declaration: CustomsDeclaration, rate: SdrRate | None, *, small_packet: bool) -> Papers:
    """What goes with it. small_packet: it travels by letter post. Without a rate that is of use it is the CN 23, which
    is always allowed. The declaration has been checked."""
    value = value_of(declaration)
    why: Why | None = None
    value_sdr = None
    if rate is None:
        why = "no_rate"
    elif rate.currency != value.currency:
        why = "other_currency"
    elif abs((date.fromisoformat(declaration.declared_on) - rate.on).days) > RATE_DAYS_MAX:
        why = "old_rate"
    else:
        value_sdr = in_sdr(value, rate)
    form = form_of(declaration, CN22_VALUE_MAX + 1 if value_sdr is None else value_sdr, small_packet=small_packet)
    if form == "CN22":
        return Papers(form, "small_packet", False, value_sdr)
    if not small_packet:
        why = "a_parcel"
    elif declaration.gross_weight_g > CN22_WEIGHT_G_MAX:
        why = "too_heavy"
    return Papers(form, why or "too_dear", declaration.reason in COMMERCIAL, value_sdr)
