"""What customs are told of a parcel that leaves a country: goods, values, weights, origins and why it is sent.

Source: Universal Postal Union, Convention Manual, forms CN 22 and CN 23: CN 22 for small packets worth at most 300 SDR, CN 23 for all others and
for parcels. HS codes are those of the World Customs Organization: six digits everywhere, up to ten with a country's own.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec

from actors.domain.errors import Refused
from actors.domain.money import AMOUNT_MAX, Money
from actors.domain.postal import LINE, Party

CN22_VALUE_MAX = 300_00
CN22_WEIGHT_G_MAX = 2_000
LINES_MAX = 200
WEIGHT_G_MAX = 1_000_000

Reason = Literal["sale_of_goods", "gift", "commercial_sample", "documents", "returned_goods", "other"]
REASONS: tuple[Reason, ...] = get_args(Reason)
Form = Literal["CN22", "CN23"]

_Text = Annotated[str, msgspec.Meta(max_length=64, pattern=LINE)]
_Weight = Annotated[int, msgspec.Meta(ge=1, le=WEIGHT_G_MAX, description="g")]


class CustomsLine(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Goods of one kind. description: what it is ("cotton shirts, men's", not "clothes"). net_weight_g and value: of all its units together.
    origin: where it was made, ISO 3166-1 alpha-2."""

    description: Annotated[str, msgspec.Meta(min_length=3, max_length=100, pattern=LINE)]
    units: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    net_weight_g: _Weight
    value: Money
    hs_code: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}([0-9]{2}){0,2}$", examples=["610910"])]
    origin: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]


class CustomsDeclaration(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The declaration of one parcel, and the invoice that goes with it.

    reason_text: in words, when the reason is "other". sender_tax_id: the sender's number in the country of arrival or departure (IOSS, EORI, CNPJ, …).
    declared_on: the day, YYYY-MM-DD. postage: what the carrier was paid, None when it is not told."""

    sender: Party
    recipient: Party
    reason: Reason
    lines: Annotated[tuple[CustomsLine, ...], msgspec.Meta(max_length=LINES_MAX)]
    gross_weight_g: _Weight
    order_id: _Text
    invoice_number: _Text
    declared_on: Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    reason_text: _Text = ""
    sender_tax_id: _Text = ""
    postage: Money | None = None


def check(declaration: CustomsDeclaration) -> CustomsDeclaration:
    """The declaration, when it makes sense as a whole.

    Errors: `customs.nothing_declared`, `customs.same_country`, `customs.reason_missing`, `customs.currencies`, `customs.weights`, `customs.value`."""
    if not declaration.lines:
        raise Refused("customs.nothing_declared", "There are no goods in the declaration.")
    if declaration.sender.country == declaration.recipient.country:
        raise Refused("customs.same_country", "The parcel does not leave the country.")
    if declaration.reason == "other" and not declaration.reason_text.strip():
        raise Refused("customs.reason_missing", 'Reason "other" has to be told in words.')
    currencies = sorted({line.value.currency for line in declaration.lines})
    if len(currencies) > 1:
        raise Refused("customs.currencies", "All values have to be in one currency.", currencies=currencies)
    net = sum(line.net_weight_g for line in declaration.lines)
    if net > declaration.gross_weight_g:
        raise Refused(
            "customs.weights", "The goods weigh more than the parcel.",
            net_weight_g=net, gross_weight_g=declaration.gross_weight_g,
        )  # fmt: skip
    if value_of(declaration).amount > AMOUNT_MAX:
        raise Refused("customs.value", "The declared value is larger than we take.", amount_max=AMOUNT_MAX)
    return declaration


def value_of(declaration: CustomsDeclaration) -> Money:
    """What all goods are worth. The declaration has been checked."""
    return Money(sum(line.value.amount for line in declaration.lines), declaration.lines[0].value.currency)


def form_of(declaration: CustomsDeclaration, value_sdr: int, *, small_packet: bool) -> Form:
    """Which form goes on it. value_sdr: the value in hundredths of a special drawing right, at the day's rate, which the caller knows."""
    small = small_packet and value_sdr <= CN22_VALUE_MAX and declaration.gross_weight_g <= CN22_WEIGHT_G_MAX
    return "CN22" if small else "CN23"
