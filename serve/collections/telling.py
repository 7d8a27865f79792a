"""What the customer of a collection is told, and the code: made here, kept as a keyed digest, told in notices that are
sealed before anything keeps them.

The notices go with the command that makes the collection ready, and the collection sends each when its time has come:
so the customer is reminded, and told that it is over, although no replica watches; and the code that is kept is the one
that was told, whatever is repeated. Cells without identity keep no addresses, and can write to nobody.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

import msgspec
import structlog
from fastapi import Request

from actors.domain.collection_commands import Notices, Retold, Told
from actors.domain.collection_evolve import remind_at
from actors.domain.collection_state import CollectionView
from actors.domain.ids import notice_id
from actors.domain.order_views import OrderContact, ViewContact
from actors.domain.times import DAY_MS, moment
from serve.context import REQUEST_ID
from serve.customers.codes import CODE_DIGITS
from serve.identity.sealing import code_digest
from serve.keys.data_keys import Erased
from serve.notices.outbox import masked, sealed_values
from serve.notices.port import Template
from serve.orders.private import PrivateOrders
from serve.problems import Problem
from serve.replies import body_of
from serve.services import Services

# An order's customer may read of it for so long after it was to happen.
NEWS_MS = 7 * DAY_MS
log = structlog.get_logger("ocefs.notices")
# What a demo's log says of each notice, when that is due and when nothing comes between.
Lines = Sequence[Mapping[str, str]]
_contact_decoder = msgspec.json.Decoder(OrderContact)


class Telling(NamedTuple):
    """`digest`: of the code, b"" when there is nobody to tell it to; `code`: as it may be told to the caller, who has
    no identity either; `contact`: told at the address after that correction of the order; `lines`: for a demo's log."""

    digest: bytes
    notices: Notices
    code: str = ""
    contact: int = 0
    lines: Lines = ()


def log_told(lines: Lines) -> None:
    """Writes them, once the step that they are of was accepted: what is refused tells nobody anything, and its code
    opens nothing."""
    for line in lines:
        log.info("a notice, told because nobody but this machine comes in", **line)


class Tellers:
    """Of one replica."""

    def __init__(self, services: Services, private: PrivateOrders) -> None:
        self._services = services
        self._private = private

    def digest(self, collection_id: str, code: str) -> bytes:
        """Of a code that somebody gave. Raises Problem 503 when the cell's keys are away."""
        keys, secret = self._services.keys, self._services.settings.cursor_key
        if keys is None:
            return hmac.digest(secret, f"pickup\0{collection_id}\0{code}".encode(), "sha256")
        found = keys.current(self._services.clock.monotonic())
        if found is None:
            raise Problem("auth.unavailable", "The cell has no keys: no code can be looked at.")
        return code_digest(found, collection_id, code)

    def _code(self, collection_id: str, key: str) -> str:
        """The same for a repeated call."""
        drawn = int.from_bytes(self.digest(collection_id, f"made\0{key}")[:16], "big")
        return f"{drawn % 10**CODE_DIGITS:0{CODE_DIGITS}}"

    async def ready(self, view: CollectionView, key: str, collect_by_ms: int, request: Request) -> Telling:
        """For one that is made ready by the call with that key. Raises Problem 503."""
        code = self._code(view.collection_id, key)
        digest = self.digest(view.collection_id, code)
        if self._services.data_keys is None:
            return Telling(digest, Notices(), code)
        contact = await self._contact(view, request.scope[REQUEST_ID])
        notices, lines = await self._notices(view, key, collect_by_ms, code, request.scope[REQUEST_ID], contact)
        return Telling(digest if notices.ready is not None else b"", notices, "", contact.contact_turn, lines)

    async def renewed(self, view: CollectionView, key: str, request: Request) -> Telling:
        """For one whose code is made anew by the call with that key. Raises Problem 503."""
        code = self._code(view.collection_id, key)
        if self._services.data_keys is None:
            return Telling(self.digest(view.collection_id, code), Notices(), code)
        return await self._another(view, key, code, request.scope[REQUEST_ID], await self._contact(view, request.scope[REQUEST_ID]))  # fmt: skip

    async def redirected(self, view: CollectionView, key: str, to: OrderContact, cause: str) -> tuple[Retold, Lines]:
        """For one that is ready while the call with that key corrects its customer's address: what is told at the new
        one. Raises Problem 503."""
        # Keys are remembered by what they are sent to: the same may have made it ready, and made the code before.
        key = f"redirected\0{key}"
        telling = await self._another(view, key, self._code(view.collection_id, key), cause, to)
        return Retold(view.collection_id, telling.digest, telling.notices), telling.lines

    async def _another(self, view: CollectionView, key: str, code: str, cause: str, to: OrderContact) -> Telling:
        assert view.collect_by_ms is not None
        notices, lines = await self._notices(view, key, view.collect_by_ms, code, cause, to, "pickup.code")
        digest = self.digest(view.collection_id, code) if notices.ready is not None else b""
        return Telling(digest, notices, "", to.contact_turn, lines)

    async def extended(self, view: CollectionView, key: str, collect_by_ms: int, request: Request) -> Telling:
        """For one that is kept for longer: reminders with the new date, without the code, which nobody knows any
        more. Raises Problem 503."""
        if self._services.data_keys is None:
            return Telling(b"", Notices())
        contact = await self._contact(view, request.scope[REQUEST_ID])
        notices, lines = await self._notices(view, key, collect_by_ms, "", request.scope[REQUEST_ID], contact)
        return Telling(b"", notices, "", contact.contact_turn, lines)

    async def _contact(self, view: CollectionView, cause: str) -> OrderContact:
        query = ViewContact(view.order_id)
        return _contact_decoder.decode(
            body_of(await self._services.gateway.view("order", view.order_id, query, cause=cause))
        )

    async def _notices(
        self, view: CollectionView, key: str, collect_by_ms: int, code: str, cause: str, contact: OrderContact,
        first: Template = "pickup.ready",
    ) -> tuple[Notices, Lines]:  # fmt: skip
        data_keys = self._services.data_keys
        assert data_keys is not None
        if not contact.email_digest:
            return Notices(), ()
        try:
            private, _ = await self._private.private(view.order_id, contact.sealed, cause)
        except Erased:
            return Notices(), ()
        index = self._services.index.places
        values = {
            "order_id": view.order_id,
            "store": index.get(view.location_id).name if view.location_id in index else view.location_id,
            "collect_by": moment(collect_by_ms).isoformat(),
        } | ({"code": code} if code else {})

        now_ms, lines = self._services.clock.now_ms(), list[Mapping[str, str]]()

        async def told(template: Template, due_ms: int, until_ms: int, values: dict[str, str]) -> Told:
            seed = sha256(f"{template}\0{view.collection_id}\0{key}".encode()).digest()
            name = notice_id(self._services.settings.region, seed)
            address, content = await sealed_values(data_keys, contact.sealed, name, private.email, values, cause)
            if self._services.settings.notices_told:
                line = {"notice_id": name, "template": template, "address": masked(private.email), "request_id": cause}
                # Another code may have come by then: it is told once, when it is made.
                later = {"due_at": moment(due_ms).isoformat()} | _without_code(values)
                lines.append(line | (later if due_ms > now_ms else values))
            return Told(name, template, address, content, until_ms)

        remind_ms = remind_at(collect_by_ms, now_ms)
        return Notices(
            # A code is told though the day be nearly over, or past: somebody may be served right now.
            await told(first, now_ms, max(collect_by_ms, now_ms + DAY_MS), values) if code else None,
            await told("pickup.reminder", remind_ms, collect_by_ms, values),
            await told("pickup.expired", collect_by_ms, collect_by_ms + NEWS_MS, _without_code(values)),
        ), lines


def _without_code(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name != "code"}
