"""A notice: something that has to reach a person by other ways than ours: an e-mail with a code.

    (none) ──WriteNotice──▶ pending ──MarkSent──▶ sent: address and content are forgotten
                               ├── `until_ms`: not worth sending any more ──▶ withdrawn, by the entity's timer
                               ├── WithdrawNotice ──▶ withdrawn: the same is forgotten, and it is not sent
                               └── RedirectNotice ──▶ pending, to another address; withdrawn, when it has one that was not to be replaced

It is kept until whoever delivers (a program of the retailer's) has read it from the table `notices` and said that it is
sent, or it is too late for that. Address and content come sealed, and stay so. Times are UTC milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Row, StoredRows
from actors.domain.personal_notes import NOTICE_ABOUT, SEALED_ADDRESS, SEALED_CONTENT
from actors.domain.rows import NoticeRow

NoticeStatus = Literal["pending", "sent", "withdrawn"]


# --- commands and events --------------------------------------------------------------------------------------------
class WriteNotice(msgspec.Struct, frozen=True, tag=True, gc=False):
    """To be sent. `template`: which text; `about`: the id of what it is about; `content`: the text's values, sealed."""

    template: str
    about: Annotated[str, NOTICE_ABOUT]
    sealed_address: Annotated[bytes, SEALED_ADDRESS]
    sealed_content: Annotated[bytes, SEALED_CONTENT]
    until_ms: int


class MarkSent(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Whoever delivers has done it."""


class WithdrawNotice(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Who it was for has been erased, or is at another address. `ahead`: also when it is yet to be written, since
    messages keep no order."""

    ahead: bool = False


class RedirectNotice(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Its order's private part, which is its address, is another one now, instead of `was`. `moved`: with another
    e-mail address in it; then what has neither would be sent to whom it is not for. Such are messages that crossed each
    other, and notices with a code, whose address is sealed by itself."""

    was: Annotated[bytes, SEALED_ADDRESS]
    sealed_address: Annotated[bytes, SEALED_ADDRESS]
    moved: bool


class ExpireNotice(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Its time may be over."""


class NoticeWritten(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is to be sent."""

    template: str
    about: Annotated[str, NOTICE_ABOUT]
    sealed_address: Annotated[bytes, SEALED_ADDRESS]
    sealed_content: Annotated[bytes, SEALED_CONTENT]
    until_ms: int


class NoticeSent(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is sent."""


class NoticeRedirected(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is to be sent there."""

    sealed_address: Annotated[bytes, SEALED_ADDRESS]


class NoticeWithdrawn(msgspec.Struct, frozen=True, tag=True, gc=False):
    """It is not to be sent any more."""


Command = WriteNotice | MarkSent | WithdrawNotice | RedirectNotice | ExpireNotice
Event = NoticeWritten | NoticeSent | NoticeRedirected | NoticeWithdrawn


# --- state and answers ----------------------------------------------------------------------------------------------
class Notice(msgspec.Struct, gc=False):
    """The state. `sent_at_ms`: None as long as it is not sent."""

    template: str
    about: Annotated[str, NOTICE_ABOUT]
    sealed_address: Annotated[bytes, SEALED_ADDRESS]
    sealed_content: Annotated[bytes, SEALED_CONTENT]
    created_at_ms: int
    until_ms: int
    sent_at_ms: int | None = None
    withdrawn: bool = False


class ViewNotice(msgspec.Struct, frozen=True, tag=True, gc=False):
    """There is nothing to be read: whoever delivers reads the table."""


class NoticeView(msgspec.Struct, frozen=True, gc=False):
    """The answer to all of them: how far it is."""

    notice_id: str
    status: NoticeStatus


# --- the rules ------------------------------------------------------------------------------------------------------
def decide(state: Notice | None, command: Command, context: Context) -> Decision:
    """See the module's docstring. Raises Refused `notice.exists`, `notice.unknown`."""
    if type(command) is WriteNotice:
        if state is not None and state.withdrawn and not state.template:
            return _told(context)
        if state is not None:
            raise Refused("notice.exists", f"Notice {context.entity_id} exists already.")
        written = NoticeWritten(
            command.template, command.about, command.sealed_address, command.sealed_content, command.until_ms
        )
        return _told(context, written)
    if state is None and type(command) is WithdrawNotice and command.ahead:
        return _told(context, NoticeWithdrawn())
    notice = _known(state)
    if status_of(notice) != "pending" or (type(command) is ExpireNotice and context.now_ms < notice.until_ms):
        return _told(context)
    if type(command) is RedirectNotice and command.was == notice.sealed_address:
        return _told(context, NoticeRedirected(command.sealed_address))
    if type(command) is RedirectNotice and not command.moved:
        return _told(context)
    return _told(context, NoticeSent() if type(command) is MarkSent else NoticeWithdrawn())


def _known(state: Notice | None) -> Notice:
    if state is None:
        raise Refused("notice.unknown", "There is no such notice.")
    return state


def _told(context: Context, *events: Event) -> Decision:
    return Decision(list(events), lambda state, version: NoticeView(context.entity_id, status_of(state)))


def status_of(notice: Notice) -> NoticeStatus:
    """How far it is."""
    if notice.withdrawn:
        return "withdrawn"
    return "pending" if notice.sent_at_ms is None else "sent"


def evolve(state: Notice | None, event: Event, context: Context) -> Notice:
    """The next state; takes over `state`."""
    if type(event) is NoticeWritten:
        return Notice(
            event.template, event.about, event.sealed_address, event.sealed_content, context.now_ms, event.until_ms
        )
    if state is None:
        # Withdrawn before it came: it is never sent.
        return Notice("", "", b"", b"", context.now_ms, context.now_ms, withdrawn=True)
    if type(event) is NoticeRedirected:
        state.sealed_address = event.sealed_address
        return state
    state.sealed_address, state.sealed_content = b"", b""
    if type(event) is NoticeSent:
        state.sent_at_ms = context.now_ms
    else:
        state.withdrawn = True
    return state


def due(notice: Notice) -> int | None:
    """When it is not worth sending any more, as long as it is to be sent (UTC ms)."""
    return notice.until_ms if status_of(notice) == "pending" else None


def view(state: Notice | None, query: ViewNotice, version: int) -> msgspec.Struct:
    """A notice tells nothing."""
    raise Refused("notice.unreadable", "A notice can't be read.")


def rows(state: Notice, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The notice's one row."""
    return [
        NoticeRow(
            context.entity_id, version, status_of(state), state.template, state.about, state.sealed_address,
            state.sealed_content, state.created_at_ms, state.until_ms, state.sent_at_ms, due(state),
        )
    ]  # fmt: skip


def restore(entity_id: str, stored: StoredRows) -> tuple[Notice, int] | None:
    """The state and version from the stored row."""
    found = stored.get("notices")
    if not found:
        return None
    row = found[0]
    kept = Notice(
        row.template, row.about, row.sealed_address, row.sealed_content, row.created_at, row.until_at, row.sent_at,
        row.status == "withdrawn",
    )  # fmt: skip
    return kept, row.version


NOTICE = Kind(
    name="notice", commands=Command, events=Event, queries=ViewNotice, decide=decide, evolve=evolve, view=view,
    tables=(NoticeRow,), restore=restore, rows=rows, due=due, wake=ExpireNotice, secret=True,
)  # fmt: skip
