"""The form of `POST /v1/oauth/token`, and how it is refused: OAuth 2 (RFC 6749), with what RFC
7521 adds for assertions."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl, unquote_plus

import msgspec

from serve.problems import Problem

FORM = b"application/x-www-form-urlencoded"
CLIENT_CREDENTIALS = "client_credentials"
# RFC 7523, section 2.2.
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FIELDS_MAX = 20
# The errors of RFC 6749, 5.2 as the audit names them; what else there is, is a form that is none.
_AUDITED_AS = {"invalid_client": "client.refused", "invalid_scope": "client.scope_refused"}


class TokenForm(msgspec.Struct, frozen=True):
    """The form of a token request. A client gives `client_id` and `client_secret`, or names itself by HTTP Basic
    instead. A device gives `client_assertion` and its type, and need not name itself besides."""

    grant_type: str = ""
    client_id: str = ""
    client_secret: str = ""
    client_assertion_type: str = ""
    client_assertion: str = ""
    scope: str = ""


class TokenError(msgspec.Struct, frozen=True):
    """RFC 6749, 5.2."""

    error: str
    error_description: str


class TokenNotGiven(Exception):
    """Told as RFC 6749, 5.2 says. `remembered`: the entity that refused keeps it with its turn."""

    def __init__(self, status: int, error: str, detail: str, *, remembered: bool = False) -> None:
        super().__init__(error)
        self.status, self.error, self.detail, self.remembered = status, error, detail, remembered

    def problem(self) -> Problem:
        """The same for the audit."""
        told = Problem(_AUDITED_AS.get(self.error, "body.invalid"), self.detail)
        told.remembered = self.remembered
        return told


def form_of(body: bytes) -> TokenForm:
    """Raises TokenNotGiven."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX, errors="strict")
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a field is given twice")
        form = msgspec.convert({name: value for name, value in pairs if name in TokenForm.__struct_fields__}, TokenForm)
    except ValueError as error:
        raise TokenNotGiven(400, "invalid_request", f"The form can't be read: {error}.") from None
    if not form.grant_type:
        raise TokenNotGiven(400, "invalid_request", "grant_type is missing.")
    if form.grant_type != CLIENT_CREDENTIALS:
        raise TokenNotGiven(400, "unsupported_grant_type", f"Only {CLIENT_CREDENTIALS} is known here.")
    return form


def assertion_of(header: str | None, form: TokenForm) -> str:
    """What a device signed; "" when the form is a client's. `header`: Authorization. Raises TokenNotGiven."""
    if not form.client_assertion and not form.client_assertion_type:
        return ""
    if form.client_assertion_type != JWT_BEARER or not form.client_assertion:
        detail = f"An assertion comes as `client_assertion`, with {JWT_BEARER} as its type."
        raise TokenNotGiven(400, "invalid_request", detail)
    # RFC 6749, 2.3: one way of proving who one is, and no more.
    if form.client_secret or header is not None:
        raise TokenNotGiven(400, "invalid_request", "Give an assertion or a secret, not both.")
    return form.client_assertion


def credentials_of(header: str | None, form: TokenForm) -> tuple[str, str]:
    """(id, secret) of a client. `header`: Authorization. Raises TokenNotGiven."""
    if header is None:
        return form.client_id, form.client_secret
    kind, _, encoded = header.partition(" ")
    if form.client_secret or kind.lower() != "basic":
        raise TokenNotGiven(400, "invalid_request", "Name the client once: by HTTP Basic, or in the form.")
    try:
        identity, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # no base64, no UTF-8, or not even ASCII
        raise TokenNotGiven(400, "invalid_request", "The Authorization header can't be read.") from None
    if not colon:
        raise TokenNotGiven(400, "invalid_request", "The Authorization header can't be read.")
    return unquote_plus(identity), unquote_plus(secret)


def scopes_of(form: TokenForm, given: list[str]) -> list[str]:
    """Those asked for, all that were `given` by default. Raises TokenNotGiven."""
    wanted = form.scope.split()
    if not set(wanted) <= set(given):
        raise TokenNotGiven(400, "invalid_scope", "The client does not have all of these scopes.")
    return sorted(set(wanted or given))
