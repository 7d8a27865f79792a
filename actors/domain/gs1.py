"""Keys of GS1: GTINs of articles and SSCCs of parcels and pallets, and the check digit that both end in.

    SSCC   0 9521234 000000042 c     extension digit, company prefix, serial reference, check digit: 18 digits
    GTIN   9521234000044             8, 12, 13 or 14 digits, the last one a check digit

Source: GS1 General Specifications: 7.9.1 (check digit), 3.2 (SSCC), 3.3 (GTIN), 1.4.4 (company prefix). What stands in
a bar code around them: `gs1_elements.py`.

The check digit finds each single wrong digit, and two neighbours that changed places unless they differ by five
(7.9.1's weights are 3 and 1, so that swap changes the sum by ten).
"""

from __future__ import annotations

from actors.domain.errors import Refused

GTIN_LENGTHS = (8, 12, 13, 14)
GTIN_DIGITS = 14
SSCC_DIGITS = 18
# A U.P.C. company prefix is told with its leading zero.
PREFIX_DIGITS_MIN = 4
PREFIX_DIGITS_MAX = 12
# Extension digit and check digit stand around the company prefix and the serial reference.
_PREFIX_AND_SERIAL = SSCC_DIGITS - 2


def is_digits(text: str) -> bool:
    """Whether there is something and it is digits of ASCII alone (`str.isdigit` takes those of
    other scripts as well)."""
    return text.isascii() and text.isdigit()


def check_digit(body: str) -> int:
    """The digit that goes behind `body` (digits): weights 3, 1, 3, … from the right (7.9.1)."""
    return -(3 * sum(map(int, body[::-2])) + sum(map(int, body[-2::-2]))) % 10


def checks(key: str) -> bool:
    """Whether the last of these digits is the check digit of those before it."""
    return len(key) > 1 and check_digit(key[:-1]) == int(key[-1])


def checked(key: str, lengths: tuple[int, ...], position: int = 0) -> str:
    """The key, when it is digits, has one of these lengths and ends in its check digit.

    position: where it begins in the text that somebody scanned; the refusals say where in that text something is wrong.
    Errors: `barcode.not_digits`, `barcode.length`, `barcode.check_digit` (tells the digit that would be right)."""
    if not is_digits(key):
        wrong = next((at for at, sign in enumerate(key) if not is_digits(sign)), 0)
        raise Refused("barcode.not_digits", "Only digits may stand here.", position=position + wrong)
    if len(key) not in lengths:
        raise Refused(
            "barcode.length", f"{len(key)} digits, but it has to be {_either(lengths)}.", position=position,
            digits=len(key), allowed=list(lengths),
        )  # fmt: skip
    if not checks(key):
        raise Refused(
            "barcode.check_digit", "The check digit does not fit: misread or mistyped.",
            position=position + len(key) - 1, expected=check_digit(key[:-1]),
        )  # fmt: skip
    return key


def gtin(text: str) -> str:
    """A GTIN-8, -12, -13 or -14 as 14 digits, zeros in front (3.3: the same article, however long it was written)."""
    return checked(text, GTIN_LENGTHS).zfill(GTIN_DIGITS)


def sscc(company_prefix: str, serial_reference: int, extension_digit: int = 0) -> str:
    """The SSCC of a logistic unit, 18 digits (3.2).

    company_prefix: 4 to 12 digits that GS1 gave the retailer. serial_reference: counts its units, and is not given
    again within a year (3.2, "SSCC re-use"). extension_digit: 0 to 9, the retailer's own to use.
    Errors: `sscc.company_prefix`, `sscc.extension_digit`, `sscc.exhausted` (the serial reference has no
    room beside the prefix)."""
    if not is_digits(company_prefix) or not PREFIX_DIGITS_MIN <= len(company_prefix) <= PREFIX_DIGITS_MAX:
        raise Refused("sscc.company_prefix", f"A company prefix has {PREFIX_DIGITS_MIN} to {PREFIX_DIGITS_MAX} digits.")
    if not 0 <= extension_digit <= 9:
        raise Refused("sscc.extension_digit", "The extension digit is one of 0 to 9.", extension_digit=extension_digit)
    room = _PREFIX_AND_SERIAL - len(company_prefix)
    if not 0 <= serial_reference < 10**room:
        raise Refused(
            "sscc.exhausted", f"Beside this company prefix a serial reference has {room} digits.",
            serial_reference=serial_reference, serial_reference_max=10**room - 1,
        )  # fmt: skip
    body = f"{extension_digit}{company_prefix}{serial_reference:0{room}}"
    return f"{body}{check_digit(body)}"


def _either(lengths: tuple[int, ...]) -> str:
    *first, last = (str(length) for length in lengths)
    return f"{', '.join(first)} or {last}" if first else last
