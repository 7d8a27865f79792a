"""Who sends or gets a parcel, and where: as it stands on labels, packing slips and customs forms.

Lines and fields as in UPU S42 (postal addressing), as far as all our regions have them. It is open text, for whoever
prints it or hands it to a carrier: nothing keeps it but sealed (`serve/orders/private.py`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.domain.ids import END
from actors.domain.personal_notes import SHOWN_ADDRESS, SHOWN_CONTACT, SHOWN_NAME

# No control characters: a line feed would end a field of a printer's language.
LINE = r"^[^\u0000-\u001f\u007f-\u009f]*" + END
LINES_MAX = 4
LINE_CHARS_MAX = 100

_Line = Annotated[str, msgspec.Meta(max_length=LINE_CHARS_MAX, pattern=LINE)]
_Said = Annotated[str, msgspec.Meta(min_length=1, max_length=LINE_CHARS_MAX, pattern=LINE)]


class Party(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A sender or recipient. street: one to four lines; country: ISO 3166-1 alpha-2; phone: E.164,
    "" when nobody told one."""

    name: Annotated[_Said, SHOWN_NAME]
    street: Annotated[tuple[_Said, ...], msgspec.Meta(min_length=1, max_length=LINES_MAX), SHOWN_ADDRESS]
    city: Annotated[_Said, SHOWN_ADDRESS]
    postcode: Annotated[Annotated[str, msgspec.Meta(max_length=16, pattern=LINE)], SHOWN_ADDRESS]
    country: Annotated[Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}" + END)], SHOWN_ADDRESS]
    company: Annotated[_Line, SHOWN_NAME] = ""
    state: Annotated[Annotated[str, msgspec.Meta(max_length=40, pattern=LINE)], SHOWN_ADDRESS] = ""
    phone: Annotated[Annotated[str, msgspec.Meta(pattern=r"^(\+[0-9]{6,15})?" + END)], SHOWN_CONTACT] = ""
    email: Annotated[Annotated[str, msgspec.Meta(max_length=254, pattern=LINE)], SHOWN_CONTACT] = ""


def lines(party: Party) -> list[str]:
    """The address block, one line each, country last."""
    place = f"{party.city} {party.state}".rstrip()
    # The postcode leads the city in the addresses of Europe and Latin America, and ends the line in
    # those of the USA and Canada.
    where = f"{place} {party.postcode}" if party.country in ("US", "CA") else f"{party.postcode} {place}"
    return [line for line in (party.name, party.company, *party.street, where.strip(), party.country) if line]
