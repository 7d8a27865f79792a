"""The code by which a customer proves that a collection is theirs, and another one for who has lost it. The rules of
the collection are in `collection.py`.

    told with `ready` ──VerifyCode, wrong──▶ counted; after TRIES_MAX none is taken ──RenewCode──▶ another, told anew, with as many tries
                                                                                        └─ at most RENEWALS_MAX in a day

When the customer's address is corrected (`order_pickup_redirect.py`) the order says so, with a code for the new
address: the old one is dead, and what waits to be sent to the old address is withdrawn. Each correction has a number;
what was made for the address before one is refused, or killed by it, whichever comes first.

While the order is held the code stays as it is. Who gives a wrong code ends what was proved before: nothing is handed
over to them. The old code is worth nothing from then on, also to who was just proved by it; and the notices that would
tell it later tell the new one.
"""

from __future__ import annotations

from actors.domain.collection_asking import check_contact, check_step, notice
from actors.domain.collection_commands import Notices, RedirectCollection, RenewCode, VerifyCode
from actors.domain.collection_events import CodeMissed, CodeRenewed, CollectionRedirected, CustomerVerified, Event
from actors.domain.collection_evolve import fits
from actors.domain.collection_state import Collection, tries_left
from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.times import DAY_MS, moment

# How often the code may be made anew in a day: with eight digits and TRIES_MAX tries of each, nobody guesses one.
RENEWALS_MAX = 3


def verify(state: Collection, command: VerifyCode, context: Context) -> list[Event]:
    """A wrong code is counted, and ends what was proved before. Raises Refused `collection.code_locked`,
    `collection.no_code`, and what `check_step` does."""
    if state.stage == "ready" and state.asking is None and not tries_left(state):
        raise Refused(
            "collection.code_locked",
            "Too many wrong codes: a manager has to look at who it is, or have a new one sent.",
        )
    if state.stage == "ready" and not state.digest:
        raise _no_code()
    check_step(state, "verify_code", context)
    return [CustomerVerified("code")] if fits(state, command.digest) else [CodeMissed()]


def renew(state: Collection, command: RenewCode, context: Context) -> list[Event]:
    """Raises Refused `order.held`, `collection.no_code`, `collection.code_too_often`, `collection.busy`, and
    what `check_step` does."""
    check_step(state, "renew_code", context)
    if state.paused_at_ms is not None:
        # Until when it is kept is said once nothing holds it: a notice of today's day may be over before it is sent.
        raise Refused("order.held", "The order is held. Its code stays as it is: ask again when it is not.")
    check_contact(state, command.contact)
    if not command.digest:
        raise _no_code()
    assert state.terms is not None
    if command.collect_by_ms != state.terms.collect_by_ms:
        # The notices would tell a day that is not so any more.
        raise Refused("collection.busy", "It has just been kept for longer: try again.", step="extended")
    lately = [at_ms for at_ms in state.renewed if at_ms > context.now_ms - DAY_MS]
    if len(lately) >= RENEWALS_MAX:
        again_at = moment(lately[-RENEWALS_MAX] + DAY_MS).isoformat()
        detail = f"It was made anew {len(lately)} times within a day: the next one can be had at {again_at}."
        raise Refused("collection.code_too_often", detail, again_at=again_at)
    kept = command.notices
    return [
        CodeRenewed(command.digest, type(kept)(None, kept.reminder, kept.expired)),
        *notice(state, kept.ready),
    ]


def redirect(state: Collection | None, command: RedirectCollection) -> list[Event]:
    """The address was corrected. Refuses nothing: it is the order's word, in whatever order it comes."""
    if state is None:
        return [CollectionRedirected(command.turn, b"", Notices())]
    if command.turn <= state.contact_turn:
        return []
    kept = command.notices
    if state.stage == "ready":
        return [
            CollectionRedirected(command.turn, command.digest, Notices(None, kept.reminder, kept.expired), state.told),
            *notice(state, kept.ready),
        ]
    terms = state.asking.terms if state.asking is not None else None
    if terms is not None and terms.contact >= command.turn:
        # It is being made ready for the new address already.
        return [CollectionRedirected(command.turn, terms.digest, terms.notices)]
    return [CollectionRedirected(command.turn, command.digest, kept)]


def _no_code() -> Refused:
    return Refused("collection.no_code", "Nobody could be told a code: a manager has to look at who it is.")
