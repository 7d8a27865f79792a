"""The port by which people are written to. A retailer who has a mail service of his own puts it here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Protocol

import msgspec

from actors.domain.personal_notes import NOTICE_ABOUT, SEALED_ADDRESS
from serve.context import Scope

Template = Literal[
    "guest.code", "customer.welcome", "customer.code", "customer.passkey_added", "customer.passkey_removed",
    "order.new_date", "order.date_moved",
    "pickup.ready", "pickup.reminder", "pickup.expired", "pickup.code", "pickup.new_date", "pickup.delayed",
]  # fmt: skip


class Notice(msgspec.Struct, frozen=True):
    """`address`: an e-mail address; `about`: the id of the order or customer; `values`: what the template's text is
    filled with; `until_ms` (UTC): from then on it is not worth sending. `beside`: something of the same person that is
    sealed already; b"": the person is `person`, or `about` if that is "". `key_id`: of the one data key that it may lie
    under, whatever else is known of the person; "" for any of theirs.
    `once`: 16 bytes or more that a repeated call gives again, so that it is one notice; b"":
    it is another each time."""

    template: Template
    address: Annotated[str, SEALED_ADDRESS]
    about: Annotated[str, NOTICE_ABOUT]
    values: Mapping[str, str]
    until_ms: int
    beside: bytes = b""
    person: Annotated[str, NOTICE_ABOUT] = ""
    once: bytes = b""
    key_id: str = ""

    def __repr__(self) -> str:
        return f"<Notice {self.template} about {self.about}>"


class Notifications(Protocol):
    """Takes notices."""

    async def send(self, notice: Notice, scope: Scope) -> None:
        """Returns when the notice can't be lost any more. `scope`: of the request that it
        comes from. Raises Problem."""
