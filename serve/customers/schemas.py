"""Bodies of `/v1/guest` and `/v1/customers`. None of them is ever logged."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.ids import ORDER_PATTERN
from actors.domain.personal_notes import CUSTOMER_ID, GIVEN_EMAIL, GIVEN_POSTCODE
from serve.customers.codes import CodeText
from serve.identity.schemas import Assertion
from serve.limits import TEXT, EmailText

OrderId = Annotated[
    str, Meta(max_length=64, pattern=ORDER_PATTERN.pattern, examples=["us-01kah2v3nq7h3k2m9qk4t1x0ab"])
]  # fmt: skip
Postcode = Annotated[str, Meta(min_length=1, max_length=64, pattern=TEXT)]


class GuestCodeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The order, and one thing more that whoever placed it knows: `email` or `postcode`."""

    order_id: OrderId
    email: Annotated[EmailText | None, GIVEN_EMAIL] = None
    postcode: Annotated[Postcode | None, GIVEN_POSTCODE] = None


class GuestSessionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The order and the code that came for it."""

    order_id: OrderId
    code: CodeText


class EmailRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the code is to go."""

    email: Annotated[EmailText, GIVEN_EMAIL]


class CustomerSessionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The address and the code that came there."""

    email: Annotated[EmailText, GIVEN_EMAIL]
    code: CodeText


class CustomerPasskeySignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A passkey, which says by itself whose it is."""

    passkey: Assertion


class CustomerRefreshRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The refresh token that came last. An older one ends the session: somebody else has it."""

    refresh_token: Annotated[str, Meta(min_length=1, max_length=4096)]


class CodeAsked(msgspec.Struct, frozen=True):
    """The same, whatever is behind it: `expires_in`, seconds that a code is good for, if one was sent."""

    detail: str
    expires_in: int


class GuestToken(msgspec.Struct, frozen=True):
    """`expires_in`: seconds. It reaches `order_id` and nothing else."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    order_id: str


class CustomerTokens(msgspec.Struct, frozen=True):
    """`expires_in`: seconds that the access token is good for. Each answer replaces both tokens."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    customer_id: Annotated[str, CUSTOMER_ID]


class ListedSession(msgspec.Struct, frozen=True):
    """`current`: it is the one that asks. `by`: what opened it. `opened_at`: null of one from before that was kept.
    `ends_at`: at the latest."""

    current: bool
    by: Literal["code", "passkey"]
    opened_at: datetime | None
    used_at: datetime
    ends_at: datetime


class CustomerSessionList(msgspec.Struct, frozen=True):
    """The sessions of a customer that run, oldest first."""

    sessions: list[ListedSession]
