"""E-mail addresses: what is one, how we write it, and which spellings reach the same person."""

from __future__ import annotations

from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from serve.problems import field_problem

EMAIL_CHARS_MAX = 254


class Email(NamedTuple):
    """`address`: to write to, normalised. `comparable`: the same for all its spellings.

    Capitals are small letters there; mailboxes that differ in them alone are legal (RFC 5321 section 2.4) and do not
    occur. Nothing else is made alike: strasse and straße, or letters of two scripts, are two
    people's (RFC 6943 section 3.3).
    """

    address: str
    comparable: str

    def __repr__(self) -> str:
        return "<Email>"


def checked(text: str, pointer: str) -> Email:
    """The address. Raises Problem 422, without repeating it.

    Nothing is asked of the DNS: whether anybody reads there, the code tells.
    """
    found = None
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        pass
    if found is None or len(found.normalized) > EMAIL_CHARS_MAX:
        raise field_problem("email.invalid", "This is not an e-mail address that can be written to.", pointer)
    return Email(found.normalized, f"{found.local_part.lower()}@{found.ascii_domain}")
