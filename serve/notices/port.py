"""The port by which people are written to. A retailer who has a mail service of his own puts it here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from serve.context import Scope

Template = Literal["guest.code", "customer.welcome", "customer.code"]


class Notice(msgspec.Struct, frozen=True):
    """`address`: an e-mail address; `about`: the id of the order or customer; `values`: what the template's text is filled with; `until_ms`
    (UTC): from then on it is not worth sending."""

    template: Template
    address: str
    about: str
    values: Mapping[str, str]
    until_ms: int

    def __repr__(self) -> str:
        return f"<Notice {self.template} about {self.about}>"


class Notifications(Protocol):
    """Takes notices."""

    async def send(self, notice: Notice, scope: Scope) -> None:
        """Returns when the notice can't be lost any more. `scope`: of the request that it comes from. Raises Problem."""
