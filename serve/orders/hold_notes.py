"""Notes that staff write when they hold an order or release it ("called her, flat 4"): nobody can be kept from writing
in them whom they are about, so they are sealed as that is.

    sent ──under the key of whose the order is──▶ HoldOrder(sealed_note, keyed digest), ReleaseOrder(sealed_note) ──▶ journal, history, state
    shown ◀──opened── OrderView, history          erased with the person, withheld while what is known of the person is restricted

In a cell without keys they are kept as they are. Notes from before they were sealed lie in the history in the clear:
they are told no longer than what is sealed of the order.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from actors.domain.order_terms_commands import HoldOrder, ReleaseOrder
from actors.domain.order_terms_events import HoldsPlaced, HoldsReleased
from actors.domain.order_terms_state import Hold, HoldKind
from actors.domain.order_terms_views import HoldView, TermsView
from actors.domain.order_views import Withheld
from serve.orders.words import OrderWords
from serve.problems import Problem
from serve.services import Services

# So many orders are asked at once under which key their notes go.
AT_ONCE = 50
# Where they stand in a view within the cell.
SEALED_NOTE = b'"sealed_note":'
_PLACED, _RELEASED = HoldsPlaced.__name__, HoldsReleased.__name__
_FIELDS = Hold.__struct_fields__
_KIND, _NOTE, _SEALED = (_FIELDS.index(name) for name in ("kind", "note", "sealed_note"))
C = TypeVar("C")


def place_of(order_id: str) -> str:
    """What a note about an order is sealed for."""
    return f"order:{order_id}:note"


def may_tell(body: bytes) -> bool:
    """May a note stand in a call's body: by its name, or by a name that is written in escapes?"""
    return b'"note"' in body or b"\\u" in body


def is_noted(event: dict[str, Any]) -> bool:
    """Is it an event of the history in which a note may stand?"""
    return event.get("type") in (_PLACED, _RELEASED)


def notes_in(event: dict[str, Any]) -> list[tuple[list[HoldKind], str]]:
    """(reasons, note) of what `HoldNotes.told` has opened in such an event; none that is empty."""
    if event["type"] == _RELEASED:
        return [(event["kinds"], event["note"])] if event.get("note") else []
    return [([hold[_KIND]], hold[_NOTE]) for hold in event["holds"] if hold[_NOTE]]


class HoldNotes:
    """Of one replica."""

    def __init__(self, services: Services) -> None:
        self._words = OrderWords(services)

    # --- in
    def seals(self, command: object) -> bool:
        """Has it a note that must not be kept as it is?"""
        return self._words.seals and isinstance(command, HoldOrder | ReleaseOrder) and bool(command.note)

    async def kept(self, order_id: str, command: C, cause: str) -> C:
        """The command as it may be kept. Raises Problem 404, 503."""
        if not self.seals(command):
            return command
        assert isinstance(command, HoldOrder | ReleaseOrder)
        sealed, digest = await self._words.sealed(order_id, command.note, place_of(order_id), "note", cause)
        if isinstance(command, HoldOrder):
            return msgspec.structs.replace(command, note="", sealed_note=sealed, note_digest=digest)
        return msgspec.structs.replace(command, note="", sealed_note=sealed)

    async def kept_many(self, asked: Sequence[tuple[str, C]], cause: str) -> list[C | Problem]:
        """(order, command) of each as `kept`, or why it can't be: without its note it would be another command."""

        async def one(order_id: str, command: C) -> C | Problem:
            try:
                return await self.kept(order_id, command, cause)
            except Problem as problem:
                return problem

        found: list[C | Problem] = []
        for first in range(0, len(asked), AT_ONCE):
            some = asked[first : first + AT_ONCE]
            found += await asyncio.gather(*(one(order_id, command) for order_id, command in some))
        return found

    # --- out
    async def shown(self, order_id: str, terms: TermsView, cause: str, *, restricted_too: bool) -> TermsView:
        """With what is sealed of them opened. Raises Problem 503."""
        holds: list[HoldView] = []
        for hold in terms.holds:
            if hold.sealed_note:
                note, _ = await self._words.opened(
                    hold.sealed_note, place_of(order_id), cause, restricted_too=restricted_too
                )
                hold = msgspec.structs.replace(hold, note=note, sealed_note=b"")  # noqa: PLW2901
            holds.append(hold)
        return msgspec.structs.replace(terms, holds=holds)

    async def told(
        self, order_id: str, event: dict[str, Any], cause: str, withheld: Withheld | None, *, restricted_too: bool
    ) -> None:
        """Opens the notes in an event of the history, in place. withheld: why what is sealed of the order is: then they
        are, too. Raises Problem 503."""

        async def note(plain: str, sealed: str) -> str:
            if withheld is not None and (plain or sealed):
                event["withheld"] = withheld
                return ""
            if not sealed or not self._words.seals:
                return plain
            words, why = await self._words.opened(
                base64.b64decode(sealed), place_of(order_id), cause, restricted_too=restricted_too
            )
            if why is not None:
                event["withheld"] = why
            return words

        if event["type"] == _RELEASED:
            told = await note(event.get("note", ""), event.pop("sealed_note", ""))
            if told or "note" in event:
                event["note"] = told
            return
        # What comes behind is the cell's own.
        event["holds"] = [
            [*hold[:_NOTE], await note(hold[_NOTE], "".join(hold[_SEALED : _SEALED + 1])), *hold[_NOTE + 1 : _SEALED]]
            for hold in event["holds"]
        ]
