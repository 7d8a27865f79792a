"""What a customer has agreed to, what not, and all that was said about it before: when, where, and to
which text (GDPR Art. 7(1)).

    (never asked) ──SetConsents──▶ granted ◀──SetConsents──▶ refused        each purpose by itself

Its id is made from the person's keyed digest: it tells nothing, and stays when the person is erased, since who has
opted out must stay so (11 CCR §7026(f)); what was granted is withdrawn then. To refuse is as easy as to grant (Art.
7(3)): a refusal is always taken, a grant not when CHANGES_MAX are on record. That `sale_or_sharing` was refused by a
browser's signal (Sec-GPC, 11 CCR §7025) has the source `gpc`. Times are UTC milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Row, StoredRows
from actors.domain.rows import ConsentRow

CHANGES_MAX = 1_000
# Order and delivery need none of these: they are the contract's (GDPR Art. 6(1)(b)).
ConsentPurpose = Literal["marketing_email", "personalisation", "sale_or_sharing"]
PURPOSES: tuple[ConsentPurpose, ...] = ("marketing_email", "personalisation", "sale_or_sharing")
# account: the customer, signed in; gpc: the browser's signal; request: a privacy request;
# erasure: the person was erased.
Source = Literal["account", "gpc", "request", "erasure"]


# --- commands and events --------------------------------------------------------------------------------------------
class Choice(msgspec.Struct, frozen=True, gc=False):
    """One purpose. text_version: of the text that was shown with the question, "" when none was; one that
    the region lists, and nobody's own words, since it stays when the person is erased."""

    purpose: ConsentPurpose
    granted: bool
    text_version: Annotated[str, Meta(max_length=64)] = ""


class SetConsents(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The person's choices, or what follows for them. What is as it was changes nothing; to a
    grant the text belongs."""

    choices: Annotated[list[Choice], Meta(min_length=1, max_length=len(PURPOSES))]
    source: Source


class WithdrawConsents(msgspec.Struct, frozen=True, tag=True, gc=False):
    """All that is granted is not any more."""

    source: Source


class ConsentChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """One choice is another from now on."""

    choice: Choice
    source: Source


Command = SetConsents | WithdrawConsents
Event = ConsentChanged


# --- state, query and answer ----------------------------------------------------------------------------------------
class Entry(msgspec.Struct, frozen=True, gc=False):
    """What was said once."""

    purpose: ConsentPurpose
    granted: bool
    source: Source
    text_version: str
    at_ms: int


class Consents(msgspec.Struct):
    """The state: everything that was ever said, oldest first."""

    history: list[Entry]


class ViewConsents(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for all of it."""


class ConsentsView(msgspec.Struct, frozen=True, gc=False):
    """present: the last word to each purpose that there is one to; history: all, oldest first. Also the answer to
    commands. Empty for somebody who was never asked."""

    present: list[Entry]
    history: list[Entry]


def present(history: Sequence[Entry]) -> dict[ConsentPurpose, Entry]:
    """The last word to each purpose."""
    return {entry.purpose: entry for entry in history}


# --- the rules ------------------------------------------------------------------------------------------------------
def decide(state: Consents | None, command: Command, context: Context) -> Decision:
    """See the module's docstring. Raises Refused `consent.too_many_changes`."""
    known = present(state.history) if state is not None else {}
    if type(command) is WithdrawConsents:
        withdrawn = [Choice(entry.purpose, False) for entry in known.values() if entry.granted]
        return _told([ConsentChanged(choice, command.source) for choice in withdrawn])
    assert type(command) is SetConsents
    # Of a purpose that is named twice, the last counts.
    choices = {choice.purpose: choice for choice in command.choices}.values()
    changes = [
        ConsentChanged(choice, command.source) for choice in choices if _is_new(choice, known.get(choice.purpose))
    ]
    full = state is not None and len(state.history) >= CHANGES_MAX
    if full and any(change.choice.granted for change in changes):
        detail = f"At most {CHANGES_MAX} changes are kept: consent can be refused, and not be given any more."
        raise Refused("consent.too_many_changes", detail, limit=CHANGES_MAX)
    return _told(changes)


def _is_new(choice: Choice, known: Entry | None) -> bool:
    if known is None or known.granted != choice.granted:
        return True
    return choice.granted and known.text_version != choice.text_version


def _told(events: list[ConsentChanged]) -> Decision:
    return Decision(list(events), lambda state, version: _view(state))


def evolve(state: Consents | None, event: ConsentChanged, context: Context) -> Consents:
    """The next state; takes over `state`."""
    choice = event.choice
    entry = Entry(choice.purpose, choice.granted, event.source, choice.text_version, context.now_ms)
    if state is None:
        return Consents([entry])
    state.history = [*state.history, entry]
    return state


def view(state: Consents | None, query: ViewConsents, version: int) -> ConsentsView:
    """All of it."""
    return _view(state)


def _view(state: Consents | None) -> ConsentsView:
    history = state.history if state is not None else []
    return ConsentsView(list(present(history).values()), history)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Consents).decode


def rows(state: Consents, version: int, events: Sequence[Event], context: Context) -> list[Row]:
    """The person's one row."""
    last = present(state.history)
    granted, refused = (
        ",".join(purpose for purpose in PURPOSES if purpose in last and last[purpose].granted is wanted)
        for wanted in (True, False)
    )
    return [ConsentRow(context.entity_id, version, granted, refused, state.history[-1].at_ms, _encode(state))]


def restore(entity_id: str, stored: StoredRows) -> tuple[Consents, int] | None:
    """The state and version from the stored row."""
    found = stored.get("consents")
    return (_decode(found[0].state), found[0].version) if found else None


CONSENT = Kind(
    name="consent", commands=Command, events=Event, queries=ViewConsents, decide=decide, evolve=evolve, view=view,
    tables=(ConsentRow,), restore=restore, rows=rows, secret=True,
)  # fmt: skip
