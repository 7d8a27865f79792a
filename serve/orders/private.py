"""What tells who ordered and where it goes: sealed here before anything keeps it, opened here for whoever may read it.

    body ──▶ Private ──sealed under the customer's data key──▶ PlaceOrder(sealed, keyed digests, country) ──▶ journal, history, read model
    view ◀── Private ◀─────────────────opened──────────────── OrderView(sealed)

In a cell without identity there are no keys: what a retailer's tests need (references, city, postcode) is kept as it
is, on this machine, and names, streets, phones and e-mail addresses are refused.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from actors.domain.ids import customer_id
from actors.domain.order_commands import PlaceOrder, RectifyOrder
from actors.domain.order_events import OrderRectified, PersonForgotten
from actors.domain.order_state import ShipTo
from actors.domain.order_terms_views import GiftView, TermsView
from actors.domain.order_views import CustomerView, OrderContact, OrderView, Withheld
from actors.domain.personal_notes import (
    PRIVATE_ADDRESS,
    PRIVATE_CONTACT,
    PRIVATE_GIFT,
    PRIVATE_NAME,
    PRIVATE_POSITION,
    PRIVATE_REFERENCE,
)
from actors.runtime.read_model import OrderSummary
from serve.identity.emails import Email, checked
from serve.identity.sealing import email_digest
from serve.keys.data_keys import DataKeys, Erased
from serve.orders.elsewhere import EVERYWHERE, is_elsewhere, is_view_elsewhere
from serve.orders.hold_notes import SEALED_NOTE, HoldNotes
from serve.orders.schemas import Destination, NewOrder
from serve.problems import field_problem
from serve.services import Services

_SEALED = b'"sealed":'
# Who did it: a call's key begins with its caller. That would tie all orders of a customer together, also after they are
# erased; who of the staff it was, the audit tells.
_CALLERS = ("command_id", "placed_by")
# Events by which customers are told something.
_TOLD = frozenset({"CustomerTold", "DateTold", "PickupGivenUp", "PickupResumed", "PickupRedirected"})
# By which the orders of a person are known for his; how far places are from there.
_TIES = ("email_digest", "owner", "sourcing")
# After which something else is known of whose the order is; and who else is told with these, of which an erasure and a
# correction would be known.
_RECTIFIED = OrderRectified.__name__
_PERSON = frozenset({_RECTIFIED, PersonForgotten.__name__})
_POST = ("collections", "waiting", "was", "moved")
# Of an event from before orders were sealed here.
_PLAIN = frozenset({"order_ref", "customer_ref", "ship_to"})
_view_decoder = msgspec.json.Decoder(OrderView)
_encode = msgspec.json.Encoder().encode


class Private(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """As it is sealed. New fields go to the end."""

    order_ref: Annotated[str, PRIVATE_REFERENCE] = ""
    customer_ref: Annotated[str, PRIVATE_REFERENCE] = ""
    postcode: Annotated[str, PRIVATE_ADDRESS] = ""
    city: Annotated[str, PRIVATE_ADDRESS] = ""
    lat: Annotated[float | None, PRIVATE_POSITION] = None
    lon: Annotated[float | None, PRIVATE_POSITION] = None
    recipient: Annotated[str, PRIVATE_NAME] = ""
    street: Annotated[str, PRIVATE_ADDRESS] = ""
    phone: Annotated[str, PRIVATE_CONTACT] = ""
    email: Annotated[str, PRIVATE_CONTACT] = ""
    gift_message: Annotated[str, PRIVATE_GIFT] = ""


_NO_KEYS = "This cell has no keys to seal that with: place the order without it."
_NOTHING = Private()
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Private).decode


def place_of(order_id: str) -> str:
    """What an order's private part is sealed for."""
    return f"order:{order_id}:private"


def sourcing_of(order_id: str) -> str:
    """What the decision of an order's sourcing is sealed for."""
    return f"order:{order_id}:sourcing"


class PrivateOrders:
    """Of one replica. What tells who ordered is opened, or withheld, by what it stands in:

    an answer about one order (`OrderView`)          `opened_view`: opened, or withheld with why
    an order of a list (`OrderSummary`)              `opened_row`: with its references, or without; `hides_row`: is it
                                                     one that a search by who ordered must not find?
    a page of its history, before its events         `why_withheld`: why nothing of it is told, by its `OrderContact`
    an event of the history, in place                `open_event`; `withhold_event` where it is `elsewhere`;
                                                     `unsigned`: only without who did it
    what is sealed itself                            `private`; of its sourcing `sourcing`
    """

    def __init__(self, services: Services) -> None:
        self._keys: DataKeys | None = services.data_keys
        self._watch = services.keys
        self._clock = services.clock
        self._region = services.settings.region
        self.notes = HoldNotes(services)

    # --- in
    async def sealed(self, order_id: str, order: NewOrder, command: PlaceOrder, cause: str) -> PlaceOrder:
        """The command as it may be kept. Raises Problem 422, 503."""
        keys, private = self._keys, _private_of(order)
        if keys is None:
            _refuse_person(order)
            return command
        email = None if order.customer.email is None else checked(order.customer.email, "/customer/email")
        if email is not None:
            private = msgspec.structs.replace(private, email=email.address)
        if private == _NOTHING:
            return command
        person = keys.digest("person", self._identity(order_id, command.owner, private.customer_ref, email))
        return msgspec.structs.replace(
            command,
            order_ref=self.stored("order_ref", private.order_ref),
            customer_ref=self.stored("customer_ref", private.customer_ref),
            ship_to=ShipTo(order.ship_to.country),
            sealed=await keys.seal(person, _pack(private), place_of(order_id), cause),
            # How far each place is from there tells where it is.
            sourcing=command.sourcing and await keys.seal(person, command.sourcing, sourcing_of(order_id), cause),
            email_digest="" if email is None else self.email_digest(email),
        )

    def digest(self, body: bytes, plain: int) -> int:
        """63 bits of a placement's body. Without the cell's key nobody can try out what stood in it."""
        if self._keys is None:
            return plain
        assert self._watch is not None
        lookup_key = self._watch.current(self._clock.monotonic()).lookup_key
        return int.from_bytes(hmac.digest(lookup_key, b"body\0order\0" + body, "sha256")[:8], "big") >> 1

    def _identity(self, order_id: str, owner: str, customer_ref: str, email: Email | None) -> str:
        """Who the customer is, as far as the order says: an account, a reference of the retailer, an address,
        or nobody but this order."""
        if owner:
            return owner
        if customer_ref:
            return f"ref:{customer_ref}"
        # Whoever opens an account with this address later is the same person.
        return order_id if email is None else self.customer_of(email)

    def customer_of(self, email: Email) -> str:
        """The id of the account that the address has or would have."""
        assert self._watch is not None
        return customer_id(self._region, email_digest(self._watch.current(self._clock.monotonic()), email.comparable))

    def email_digest(self, email: Email) -> str:
        """By which orders with the address are found. Raises Problem 422 in a cell that keeps none."""
        if self._keys is None:
            raise field_problem("email.not_kept", "This cell keeps no e-mail addresses.", "/email")
        return self._keys.digest("order_email", email.comparable)

    async def rectified(
        self, order_id: str, sealed: bytes, changes: Mapping[str, Any], email: Email | None, cause: str
    ) -> RectifyOrder:
        """The command that corrects what is `sealed` of an order. changes: fields of `Private`; email: the corrected
        one, None for as it was. Raises Erased, Problem 422, 503."""
        assert self._keys is not None
        before, _ = await self.private(order_id, sealed, cause)
        if changes.get("gift_message") and not before.gift_message:
            # Nobody would write them on anything.
            raise field_problem(
                "order.no_gift_message", "The order has no words to correct.", "/correction/gift_message"
            )
        if email is not None:
            changes = {**changes, "email": email.address}
        private = msgspec.structs.replace(before, **changes)
        kept = email if email is not None else checked(private.email, "") if private.email else None
        return RectifyOrder(
            self.stored("order_ref", private.order_ref),
            await self._keys.seal_beside(sealed, _pack(private), place_of(order_id), cause),
            "" if kept is None else self.email_digest(kept),
            was=sealed,
        )

    @property
    def seals(self) -> bool:
        """Is what tells who ordered sealed here?"""
        return self._keys is not None

    def stored(self, field: str, text: str) -> str:
        """A reference (`order_ref`, `customer_ref`) as it is kept: itself, or where orders are
        sealed its keyed digest."""
        return text if self._keys is None or not text else self._keys.digest(field, text)

    # --- out
    async def private(self, order_id: str, sealed: bytes, cause: str) -> tuple[Private, bool]:
        """(what is sealed, is it restricted?). Raises Erased, Problem 503."""
        assert self._keys is not None
        plain, restricted = await self._keys.unseal(sealed, place_of(order_id), cause)
        return _unpack(plain), restricted

    async def sourcing(
        self, order_id: str, stored: bytes, cause: str, *, sealed: bool, restricted_too: bool
    ) -> tuple[bytes, Withheld | None]:
        """(the decision of its sourcing as it was stored; b"" without one, and when it is withheld; why it
        is). Raises Problem 503."""
        if self._keys is None or not stored or not sealed:
            return stored, None
        try:
            plain, restricted = await self._keys.unseal(stored, sourcing_of(order_id), cause)
        except Erased:
            return b"", "erased"
        return (b"", "restricted") if restricted and not restricted_too else (plain, None)

    async def opened_view(
        self, body: bytes, cause: str, *, restricted_too: bool = False, bounds: frozenset[str] = EVERYWHERE
    ) -> bytes:
        """An `OrderView` as JSON, with what is sealed in it opened. Raises Problem 503.

        `restricted_too`: for the customer and whoever handles requests of data subjects; others are not told what is
        restricted. `bounds`: the locations at which the caller's rights end (`elsewhere.bounds_of`); nothing is opened
        of an order that has to do with none of them.
        """
        if is_view_elsewhere(body, bounds):
            return _encode(_withheld(_view_decoder.decode(body), "elsewhere"))
        if self._keys is None or (_SEALED not in body and SEALED_NOTE not in body):
            return body
        view = _view_decoder.decode(body)
        # Without it, there is a text that looks so, or a note about somebody of whom nothing else is known.
        if isinstance(view.sealed, bytes):
            view = await self._filled(view, view.sealed, cause, restricted_too=restricted_too)
        if isinstance(view.terms, TermsView) and view.terms.holds:
            terms = await self.notes.shown(view.order_id, view.terms, cause, restricted_too=restricted_too)
            view = msgspec.structs.replace(view, terms=terms)
        return _encode(view)

    async def _filled(self, view: OrderView, sealed: bytes, cause: str, *, restricted_too: bool) -> OrderView:
        try:
            private, restricted = await self.private(view.order_id, sealed, cause)
        except Erased:
            return _withheld(view, "erased")
        return _withheld(view, "restricted") if restricted and not restricted_too else _shown(view, private)

    async def opened_row(
        self, order: OrderSummary, cause: str, *, restricted_too: bool = False, bounds: frozenset[str] = EVERYWHERE
    ) -> OrderSummary:
        """An order of a list with its references, without them where they are withheld. `bounds`: see `opened_view`.
        Raises Problem 503."""
        if is_elsewhere(order.places, bounds):
            return msgspec.structs.replace(order, order_ref="", customer_ref="")
        if self._keys is None or not order.sealed:
            return order
        private = _NOTHING
        try:
            found, restricted = await self.private(order.order_id, order.sealed, cause)
            private = _NOTHING if restricted and not restricted_too else found
        except Erased:
            pass
        return msgspec.structs.replace(order, order_ref=private.order_ref, customer_ref=private.customer_ref)

    @staticmethod
    def unsigned(event: dict[str, Any]) -> None:
        """An event of the history without who did it, in place."""
        for name in _CALLERS:
            event.pop(name, None)

    async def why_withheld(
        self, contact: OrderContact, cause: str, *, restricted_too: bool, bounds: frozenset[str]
    ) -> Withheld | None:
        """Why what is known of whose the order is is not told; None: it is. By what is the same for all of the order's
        history: each event has besides what was sealed with it (`open_event`). `bounds`: see `opened_view`. Raises
        Problem 503."""
        if is_elsewhere(contact.places, bounds):
            return "elsewhere"
        if contact.forgotten:
            return "erased"
        return await self._why(contact.order_id, contact.sealed, cause, restricted_too=restricted_too)

    async def hides_row(self, order: OrderSummary, cause: str, *, restricted_too: bool) -> bool:
        """Is whose an order of a list is not told, wherever it is served: restricted, or erased? A search by who
        ordered must not find it then, or finding would tell it. Raises Problem 503."""
        return await self._why(order.order_id, order.sealed, cause, restricted_too=restricted_too) is not None

    async def _why(self, order_id: str, sealed: bytes, cause: str, *, restricted_too: bool) -> Withheld | None:
        if self._keys is None or not sealed:
            return None
        try:
            _, restricted = await self.private(order_id, sealed, cause)
        except Erased:
            return "erased"
        return "restricted" if restricted and not restricted_too else None

    async def open_event(
        self, order_id: str, event: dict[str, Any], cause: str, *, country: str, present: bytes | None,
        restricted_too: bool = False,
    ) -> None:  # fmt: skip
        """Opens what is sealed in an event of the history, in place. `country`: the order's; `present`: what is sealed
        of the order now: what was before it was corrected is withheld; None: it is not. Raises Problem 503."""
        sealed = event.pop("sealed", None)
        if event.get("type") in _TOLD:
            # The same as is sealed in the order; it is there for the notice.
            return
        event.pop("email_digest", None)
        event.pop("sourcing", None)
        if event.get("type") in _PERSON:
            _without_post(event)
        if self._keys is None or not sealed:
            return
        private, withheld = _NOTHING, ""
        try:
            part = base64.b64decode(sealed)
            private, restricted = await self.private(order_id, part, cause)
            if restricted and not restricted_too:
                private, withheld = _NOTHING, "restricted"
            elif present is not None and part != present:
                private, withheld = _NOTHING, "rectified"
        except Erased:
            withheld = "erased"
            # Whose account it was.
            event.pop("owner", None)
        _tell(event, private, country, withheld)

    @staticmethod
    def withhold_event(event: dict[str, Any], country: str) -> None:
        """An event of the history without whose the order is, in place: for whom that is `elsewhere`. That its person
        was erased is told as a correction is: a gap, or an event without content, would tell it.
        `country`: the order's."""
        if event.get("type") in _PERSON:
            # One call forgets all orders of a person: its id would tie them together.
            event |= {"type": _RECTIFIED, "cause": "", "order_ref": ""}
            _without_post(event)
        sealed = event.pop("sealed", None)
        for name in _TIES:
            event.pop(name, None)
        if event.get("type") not in _TOLD and (sealed or not _PLAIN.isdisjoint(event)):
            _tell(event, _NOTHING, country, "elsewhere")


def _without_post(event: dict[str, Any]) -> None:
    for name in _POST:
        event.pop(name, None)


def _tell(event: dict[str, Any], private: Private, country: str, withheld: str) -> None:
    event["order_ref"], event["customer_ref"] = private.order_ref, private.customer_ref
    event["ship_to"] = ship_to_of(country, private)
    if withheld:
        event["withheld"] = withheld


def _private_of(order: NewOrder) -> Private:
    to = order.ship_to
    return Private(
        order.order_ref, order.customer.customer_ref, to.postcode, to.city, to.lat, to.lon, to.recipient, to.street, to.phone,
        gift_message=_words(order),
    )  # fmt: skip


def _words(order: NewOrder) -> str:
    """Of a present, as they were sent; "" for none."""
    return "" if order.terms is None or order.terms.gift is None else order.terms.gift.message


def _refuse_person(order: NewOrder) -> None:
    """Raises Problem 422 for what must not lie anywhere in the clear."""
    if order.customer.email is not None:
        detail = "This cell keeps no e-mail addresses: place the order without one."
        raise field_problem("email.not_kept", detail, "/customer/email")
    refuse_names(order.ship_to)
    if _words(order):
        raise field_problem("person.not_kept", _NO_KEYS, "/terms/gift/message")


def refuse_names(to: Destination) -> None:
    """Raises Problem 422 for what of an address must not lie anywhere in the clear."""
    for name in ("recipient", "street", "phone"):
        if getattr(to, name):
            raise field_problem("person.not_kept", _NO_KEYS, f"/ship_to/{name}")


def ship_to_of(country: str, private: Private) -> ShipTo:
    """Where it goes. country: the order's."""
    return ShipTo(
        country, private.postcode, private.city, private.lat, private.lon, private.recipient, private.street, private.phone
    )  # fmt: skip


def _shown(view: OrderView, private: Private) -> OrderView:
    return msgspec.structs.replace(
        view,
        order_ref=private.order_ref,
        customer=CustomerView(private.customer_ref, view.customer.country),
        ship_to=ship_to_of(view.ship_to.country, private),
        sealed=msgspec.UNSET,
        terms=_with_words(view.terms, private.gift_message),
    )


def _with_words(terms: TermsView | msgspec.UnsetType, words: str) -> TermsView | msgspec.UnsetType:
    if terms is msgspec.UNSET or not words:
        return terms
    assert isinstance(terms, TermsView)
    wrap = terms.gift is not None and terms.gift.wrap
    return msgspec.structs.replace(terms, gift=GiftView(wrap, words))


def _withheld(view: OrderView, why: Any) -> OrderView:
    shown = _shown(view, _NOTHING)
    terms = shown.terms
    if isinstance(terms, TermsView):
        # What was written of the person before notes were sealed goes the same way.
        holds = [msgspec.structs.replace(hold, note="", sealed_note=b"") for hold in terms.holds]
        terms = msgspec.structs.replace(terms, holds=holds)
    return msgspec.structs.replace(shown, withheld=why, terms=terms)
