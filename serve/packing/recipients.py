"""Who a shipment goes to: opened here for one call, to make a label or a paper, and kept by nobody but sealed.

order's private part ──┐
manual's ship_to ──────┴─▶ Recipient(party, …) ─▶ label request, slip with a present's words, customs form
a request, a label's document ──sealed beside it, under the same data key──▶ the shipment's events: an erasure takes them too
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from fastapi import Request

from actors.domain.order_views import OrderView, ViewOrder
from actors.domain.postal import LINE_CHARS_MAX, LINES_MAX, Party
from actors.domain.shipment_commands import Declared
from actors.domain.shipment_views import ShipmentView
from serve.context import REQUEST_ID
from serve.identity.emails import checked
from serve.keys.data_keys import Erased
from serve.packing.calls import PackingCalls
from serve.packing.papers import address_paper
from serve.packing.schemas import ShipToParty
from serve.problems import Problem
from serve.replies import body_of

_order_decoder = msgspec.json.Decoder(OrderView)
_party_decoder = msgspec.msgpack.Decoder(Party)
_encode = msgspec.msgpack.Encoder().encode
_NEEDED = ("recipient", "street", "city")
# Stands where a name or street is not told.
UNTOLD = "-"
_PHONE = re.compile(r"\+[0-9]{6,15}")
_BETWEEN_DIGITS = str.maketrans("", "", " ().-/\u00a0")


class Recipient(NamedTuple):
    """party: whom it goes to; order: as its actor has it, None of a manual one; order_ref: the customer's reference;
    sealed: what is sealed of it already, beside which more is sealed, b"" in a cell that seals nothing; message: words
    that go with a present, "" for none."""

    party: Party
    order: OrderView | None
    order_ref: str
    sealed: bytes
    message: str = ""

    @property
    def is_gift(self) -> bool:
        """Is it a present, with or without words?"""
        order = self.order
        return order is not None and order.terms is not msgspec.UNSET and order.terms.gift is not None


def place_of(shipment_id: str, what: str) -> str:
    """What something of a shipment is sealed for."""
    return f"shipment:{shipment_id}:{what}"


def reason_of(number: int) -> str:
    """What the words for customs of this parcel are sealed as."""
    return f"reason:{number}"


class Recipients:
    """Of one replica."""

    def __init__(self, calls: PackingCalls) -> None:
        self._calls = calls
        self._services = calls.services

    async def place(self, view: ShipmentView, request: Request) -> Recipient:
        """As `of`, and only where it goes, as far as a price needs that: an order whose street is not known yet has a
        price too. Raises Problem 409, 503."""
        found = await self.of(view, request, needed=("city",))
        to = found.party
        return found._replace(party=Party(UNTOLD, (UNTOLD,), to.city, to.postcode, to.country), message="")

    async def of(self, view: ShipmentView, request: Request, needed: Sequence[str] = _NEEDED) -> Recipient:
        """Raises Problem 409 when it must not or can't be told, or when something that is needed is not known, 503."""
        if not view.order_id:
            return await self._of_manual(view, request)
        order = await self.order(view.order_id, request)
        to, cause = order.ship_to, request.scope[REQUEST_ID]
        if self._services.data_keys is None:
            # A cell without keys keeps nobody's name and street: it is for trying things out.
            party = Party(order.order_id, (UNTOLD,), to.city or UNTOLD, to.postcode[:16], to.country)
            return Recipient(party, order, order.order_ref, b"")
        sealed = order.sealed if isinstance(order.sealed, bytes) else b""
        if order.withheld == "erased":
            raise _gone("erased")
        if not sealed:
            raise _incomplete(list(needed))
        try:
            private, restricted = await self._calls.private.private(order.order_id, sealed, cause)
        except Erased:
            raise _gone("erased") from None
        if restricted:
            raise _gone("restricted")
        missing = [name for name in needed if not getattr(private, name)]
        if missing:
            raise _incomplete(missing)
        party = Party(
            private.recipient[:LINE_CHARS_MAX] or UNTOLD, _street(private.street) or (UNTOLD,), private.city[:LINE_CHARS_MAX], private.postcode[:16],
            to.country, phone=_phone(private.phone),
        )  # fmt: skip
        return Recipient(party, order, private.order_ref, sealed, private.gift_message)

    async def order(self, order_id: str, request: Request) -> OrderView:
        """As its actor has it. Raises Problem."""
        cause = request.scope[REQUEST_ID]
        body = body_of(await self._services.gateway.view("order", order_id, ViewOrder(order_id), cause=cause))
        return _order_decoder.decode(body)

    async def _of_manual(self, view: ShipmentView, request: Request) -> Recipient:
        kept = view.ship_to or await address_paper(self._calls, view)
        plain = await self.unsealed(view.shipment_id, "ship_to", kept, request)
        return Recipient(_party_decoder.decode(plain), None, "", b"" if self._services.data_keys is None else kept)

    # --- what is kept
    def person(self, customer_ref: str, email: str | None) -> str:
        """The keyed digest by which a request of that person finds a manual shipment; "" when nobody said whose it is,
        or the cell knows nobody. Raises Problem 422."""
        keys = self._services.data_keys
        if keys is None:
            return ""
        if customer_ref:
            return keys.digest("person", f"ref:{customer_ref}")
        return "" if email is None else keys.digest("person", self._calls.private.customer_of(checked(email, "/email")))

    async def sealed_party(self, shipment_id: str, party: ShipToParty, person: str, request: Request) -> bytes:
        """A manual shipment's ship-to as it may be kept: under the person's key, or one of its
        own. Raises Problem 503."""
        plain = _encode(
            Party(party.name, tuple(party.street), party.city, party.postcode, party.country, party.company, party.state, party.phone)
        )  # fmt: skip
        keys = self._services.data_keys
        if keys is None:
            return plain
        whose = person or keys.digest("person", shipment_id)
        return await keys.seal(whose, plain, place_of(shipment_id, "ship_to"), request.scope[REQUEST_ID])

    async def sealed_note(self, shipment_id: str, note: str, person: str, request: Request) -> bytes:
        """A manual shipment's note, as `sealed_party`; b"" without one, and in a cell that seals
        nothing. Raises Problem 503."""
        keys = self._services.data_keys
        if keys is None or not note:
            return b""
        whose = person or keys.digest("person", shipment_id)
        return await keys.seal(whose, note.encode(), place_of(shipment_id, "note"), request.scope[REQUEST_ID])

    async def note(self, view: ShipmentView, request: Request) -> str:
        """The same, opened; "" when it is erased, or restricted. Raises Problem 503."""
        keys = self._services.data_keys
        if keys is None or not view.sealed_note:
            return view.note
        try:
            place = place_of(view.shipment_id, "note")
            plain, restricted = await keys.unseal(view.sealed_note, place, request.scope[REQUEST_ID])
        except Erased:
            return ""
        return "" if restricted else plain.decode()

    async def kept_words(
        self, shipment_id: str, number: int, declared: Declared | None, recipient: Recipient, request: Request
    ) -> Declared | None:
        """What is kept of a parcel's declaration, with its words sealed as the request is. Raises Problem 409, 503."""
        if declared is None or not declared.reason_text or self._services.data_keys is None:
            return declared
        plain = declared.reason_text.encode()
        sealed = await self.seal(shipment_id, reason_of(number), plain, recipient, request)
        return msgspec.structs.replace(declared, reason_text="", sealed_text=sealed)

    async def words(self, shipment_id: str, number: int, declared: Declared, request: Request) -> Declared:
        """The same with its words in the clear. Raises Problem 409, 503."""
        if not declared.sealed_text:
            return declared
        plain = await self.unsealed(shipment_id, reason_of(number), declared.sealed_text, request)
        return msgspec.structs.replace(declared, reason_text=plain.decode(), sealed_text=b"")

    def digest(self, plain: bytes) -> str:
        """Keyed, of something that is kept sealed: by it the same is known again. "" in a cell that seals nothing."""
        keys = self._services.data_keys
        return "" if keys is None else keys.digest("label_request", plain.hex())

    async def seal(self, shipment_id: str, what: str, plain: bytes, recipient: Recipient, request: Request) -> bytes:
        """Under the key by which the recipient is known. Raises Problem 409, 503."""
        keys = self._services.data_keys
        if keys is None:
            return plain
        try:
            place = place_of(shipment_id, what)
            return await keys.seal_beside(recipient.sealed, plain, place, request.scope[REQUEST_ID])
        except Erased:
            raise _gone("erased") from None

    async def unsealed(self, shipment_id: str, what: str, sealed: bytes, request: Request) -> bytes:
        """What `seal` sealed. Raises Problem 409, 503."""
        keys = self._services.data_keys
        if keys is None:
            return sealed
        try:
            plain, restricted = await keys.unseal(sealed, place_of(shipment_id, what), request.scope[REQUEST_ID])
        except Erased:
            raise _gone("erased") from None
        if restricted:
            raise _gone("restricted")
        return plain


def _street(text: str) -> tuple[str, ...]:
    """In lines that fit: parted at blanks."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= LINE_CHARS_MAX:
            lines[-1] = longer
        else:
            lines.append(word[:LINE_CHARS_MAX])
    return tuple(line for line in lines if line)[:LINES_MAX]


def _phone(text: str) -> str:
    """As carriers take it (E.164). What says more than the number, an extension for one, is none: without it, somebody
    else would be called. "(0)" is for who calls within the country."""
    number = text.replace("(0)", "").translate(_BETWEEN_DIGITS)
    return number if _PHONE.fullmatch(number) else ""


def _gone(why: str) -> Problem:
    told = {
        "erased": "The person was erased: nobody knows any more who gets it. Cancel it.",
        "restricted": "What is known of the person must not be used at the moment.",
    }
    return Problem(f"shipment.person_{why}", told[why])


def _incomplete(missing: list[str]) -> Problem:
    detail = f"The order does not say where it goes: {', '.join(missing)} is missing. Have it corrected."
    return Problem("shipment.address_incomplete", detail, extra={"missing": missing})
