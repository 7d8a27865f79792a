"""What the audit says of each command: its name, where it was, why, and what sensitive fields were before and after.

Each noun's function is `Kind.act` (`kinds.py`): (state before the command, command, events that follow) → Act. A noun
without one is named by its kind and its command: `claim.take`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from actors.domain import consent, guest
from actors.domain.account_commands import (
    ChangeOwnPassword,
    ChangeRole,
    EndShift,
    OpenAccount,
    Refresh,
    RenewHash,
    SignIn,
    StepUp,
)
from actors.domain.account_events import HashRenewed, PasswordChanged, ShiftEnded, SignedIn, SteppedUp
from actors.domain.account_state import Account
from actors.domain.acts_changes import few
from actors.domain.acts_of_approvals import of_approval, settled
from actors.domain.acts_of_collections import of_collection
from actors.domain.acts_of_counts import compared
from actors.domain.acts_of_floor import of_floor
from actors.domain.acts_of_inbounds import of_inbound
from actors.domain.acts_of_orders import of_refund, of_terms
from actors.domain.acts_of_packing import of_manifest, of_shipment
from actors.domain.acts_of_simulations import of_simulations
from actors.domain.acts_of_sourcing import of_sourcing
from actors.domain.acts_of_stock import of_count, of_location, of_reservation, plain, units_changed
from actors.domain.acts_of_transfers import of_transfer
from actors.domain.alert import JUDGED_MS, JUDGED_RULES, AlertTold, AssignAlert, CloseAlert, RaiseAlert
from actors.domain.article import NO_DETAILS
from actors.domain.audit import DONE, Act, Audited, Changes, Who
from actors.domain.breach import (
    CloseBreach,
    JudgeRisk,
    RecordBreach,
    ReviseExtent,
    SpareSubjects,
    TakeMeasure,
    TellAuthority,
    TellSubjects,
)
from actors.domain.breach_state import Breach
from actors.domain.catalogue import Catalogue, DefineSkus, DetailsDefined, TellCosts
from actors.domain.client import Client, RegisterClient, RotateClientSecret, SetClientScopes
from actors.domain.customer_commands import (
    EndOtherSessions,
    EndSession,
    EraseCustomer,
    RefreshSession,
    TryCode,
    TryPasskey,
)
from actors.domain.customer_events import SessionOpened, SessionRefreshed
from actors.domain.device import (
    AssertionUsed,
    ClaimDevice,
    Device,
    DeviceClaimed,
    EnrolDevice,
    MoveDevice,
    UseAssertion,
)
from actors.domain.kind import Kind
from actors.domain.order_commands import PlaceOrder, RectifyOrder, UpdateOrder
from actors.domain.order_refund_commands import GiveRefund, WantRefund
from actors.domain.order_state import Order, status_of
from actors.domain.passkeys import AddPasskey, RemovePasskey
from actors.domain.privacy_commands import (
    BeginStep,
    ConfirmIdentity,
    EndStep,
    ExtendDeadline,
    NoteStep,
    ReceiveRequest,
    RefuseRequest,
)
from actors.domain.privacy_state import PrivacyRequest

# Acts that are kept: a dozen steps at each place of a region. And who asked.
_STEPS_MAX = 8_192
_CALLERS_MAX = 8_192


def audited_of(
    kind: Kind, who: Who | None, state: Any, command: Any, events: Sequence[Any], refused: str = DONE
) -> list[Audited]:
    """The audit's lines of one turn. None for what nobody asked for: messages between entities, and timers; but of a
    counting in which nobody is needed besides, what it found, and of an approval, how it ended."""
    if kind.noted is not None:
        return kind.noted(command)
    if who is None:
        told = _TOLD_BY_ITSELF.get(kind.name)
        return [] if told is None else told(state, events)
    act = kind.act(state, command, events) if kind.act is not None else plain(kind.name, type(command))
    return [Audited(_known(_as_signed_in(who, events)), act, refused or act.refused)]


# Turns that nobody asked for, and that have lines of their own.
_TOLD_BY_ITSELF: Mapping[str, Callable[[Any, Sequence[Any]], list[Audited]]] = {"approval": settled, "count": compared}


def _as_signed_in(who: Who, events: Sequence[Any]) -> Who:
    """Whoever signs in comes without a role and a session: those of the shift that he has just opened."""
    if not events or type(events[0]) is not SignedIn:
        return who
    shift = events[0].shift
    return Who(who.subject, shift.role, shift.session_id, who.address, who.device, who.behalf)


@lru_cache(_CALLERS_MAX)
def _known(who: Who) -> Who:
    """The same, once: a machine asks thousands of times a second, and the lines stay in memory until
    they are written behind."""
    return who


_PLACED = Act("order.place")


def of_order(state: Order | None, command: Any, events: Sequence[Any]) -> Act:
    """`order.place`, `order.ship`, …: where the fulfilments are that it moves; `order.short_pick` with the units that
    are not there, a cancellation with the status from which it was; `refund.give`."""
    if type(command) is PlaceOrder:
        return _PLACED
    if type(command) is RectifyOrder:
        return Act("order.rectify")
    if isinstance(command, GiveRefund | WantRefund):
        return of_refund(state, command, events)
    if type(command) is not UpdateOrder or state is None:
        return of_terms(state, command, events)
    wanted = command.fulfilment
    if wanted is None and len(state.fulfilments) == 1:
        location_id = state.fulfilments[0].location_id
    else:
        places = {f.location_id for f in state.fulfilments if wanted is None or f.number == wanted}
        location_id = places.pop() if len(places) == 1 else ""
    if command.update == "short_pick":
        # Whoever says it, they leave the books.
        missing = units_changed("missing", command.lines)
        return Act("order.short_pick", location_id, "", missing if events else {})
    if command.update != "cancel":
        return _stepped(command.update, location_id)
    return Act("order.cancel", location_id, "", {"status": (status_of(state), "cancelled")} if events else {})


@lru_cache(_STEPS_MAX)
def _stepped(update: str, location_id: str) -> Act:
    """By far the most frequent acts: made once, what is looked up by their texts later is found sooner, too."""
    return Act(f"order.{update}", location_id)


def of_catalogue(state: Catalogue | None, command: DefineSkus | TellCosts, events: Sequence[Any]) -> Act:
    """`catalogue.define` with how many, and with what one costs before and after, and
    `catalogue.tell_costs`, which only counts ask."""
    if type(command) is not DefineSkus:
        return plain("catalogue", type(command))
    changes: Changes = {"skus": (None, len(command.skus))}
    if command.said:
        changes["details"] = (None, len(command.said))
    return Act("catalogue.define", "", "", changes | few(_costs(state, events)))


def _costs(state: Catalogue | None, events: Sequence[Any]) -> Changes:
    """What one of each costs by which counts and refunds are judged, where it becomes another."""
    known, changes = {} if state is None else state.details, dict[str, Any]()
    for sku, now in (one for event in events if type(event) is DetailsDefined for one in event.details):
        before = known.get(sku, NO_DETAILS)
        if now.cost_minor != before.cost_minor:
            changes[f"{sku}.unit_cost"] = (before.cost_minor, now.cost_minor)
        if now.currency != before.currency:
            changes[f"{sku}.currency"] = (before.currency, now.currency)
    return changes


def of_account(state: Account | None, command: Any, events: Sequence[Any]) -> Act:
    """`session.open`, `session.refresh`, `session.proof`, `session.close`, `session.renew_hash`, and `account.…` for
    what is done to an account."""
    if type(command) is SignIn:
        replaced: Changes = (
            {"password": (None, "replaced")} if any(type(one) is PasswordChanged for one in events) else {}
        )
        return Act("session.open", command.location_id, "", replaced, _unless(SignedIn, events, "session.refused"))
    if type(command) is Refresh:
        refused = "session.token_reused" if any(type(event) is ShiftEnded for event in events) else DONE
        return Act("session.refresh", "", "", {}, refused)
    if type(command) is StepUp:
        return Act("session.proof", "", "", {}, _unless(SteppedUp, events, "factor.code_wrong"))
    if type(command) is EndShift:
        return Act("session.close")
    if type(command) is ChangeOwnPassword:
        return Act("account.change_password", "", "", {}, _unless(PasswordChanged, events, "password.wrong"))
    if type(command) is RenewHash:
        # A part of the sign-in, which nobody asks for by itself.
        return Act("session.renew_hash", "", "", {}, _unless(HashRenewed, events, "account.changed"))
    if type(command) is OpenAccount:
        return Act("account.open", "", "", _rights("", "", command.role, command.locations) if events else {})
    if type(command) is ChangeRole and state is not None and events:
        before = ",".join(state.locations)
        return Act("account.change_role", "", "", _rights(state.role, before, command.role, command.locations))
    return plain("account", type(command))


def of_client(state: Client | None, command: Any, events: Sequence[Any]) -> Act:
    """`client.register`, `client.set_scopes`, … with the scopes before and after; `client.rotate_secret` with whether
    older secrets were ended."""
    if events and isinstance(command, RotateClientSecret) and (command.end_older or command.grace_ms <= 0):
        return Act("client.rotate_secret", "", "", {"older_secrets": (None, "ended")})
    if not events or not isinstance(command, RegisterClient | SetClientScopes):
        return Act(plain("client", type(command)).action.replace("_client", ""))
    before = "" if state is None else ",".join(state.scopes)
    name = "client.register" if type(command) is RegisterClient else "client.set_scopes"
    return Act(name, "", "", {"scopes": (before, ",".join(command.scopes))})


def of_device(state: Device | None, command: Any, events: Sequence[Any]) -> Act:
    """`device.enrol` with the scopes, `device.claim`, `device.sign_in`, `device.move`,
    `device.renew_code`, `device.revoke`."""
    if type(command) is EnrolDevice:
        changes: Changes = {"scopes": ("", ",".join(command.scopes))} if events else {}
        return Act("device.enrol", command.location_id, "", changes)
    location_id = "" if state is None else state.location_id
    if type(command) is ClaimDevice:
        return Act("device.claim", location_id, "", {}, _unless(DeviceClaimed, events, "code.refused"))
    if type(command) is UseAssertion:
        return Act("device.sign_in", location_id, "", {}, _unless(AssertionUsed, events, "client.refused"))
    if type(command) is MoveDevice:
        return Act("device.move", location_id, "", {"location_id": (location_id, command.to)} if events else {})
    return Act(plain("device", type(command)).action.removesuffix("_device"), location_id)


def of_guest(state: Any, command: Any, events: Sequence[Any]) -> Act:
    """`guest.keep_code`; `session.open` for a code that is given back."""
    if type(command) is guest.TryCode:
        return Act("session.open", "", "", {}, _unless(guest.CodeUsed, events, "code.refused"))
    return plain("guest", type(command))


def of_customer(state: Any, command: Any, events: Sequence[Any]) -> Act:
    """The same words as for staff's sessions and passkeys."""
    if type(command) is TryCode:
        return Act("session.open", "", "", {}, _unless(SessionOpened, events, "code.refused"))
    if type(command) is TryPasskey:
        return Act("session.open", "", "", {}, _unless(SessionOpened, events, "session.refused"))
    if type(command) is RefreshSession:
        refused = DONE if any(type(event) is SessionRefreshed for event in events) else "session.token_reused"
        return Act("session.refresh", "", "", {}, refused)
    if type(command) is EndSession:
        return Act("session.close")
    if type(command) is EndOtherSessions:
        return Act("session.close_others")
    if type(command) is AddPasskey or type(command) is RemovePasskey:
        return plain("account", type(command))
    if type(command) is EraseCustomer:
        return Act("customer.erase")
    return plain("customer", type(command))


def of_alert(state: Any, command: Any, events: Sequence[Any]) -> Act:
    """`alert.raise` with the rules, `alert.assign`, `alert.close` with the verdict and what it is of, `alert.told`."""
    if type(command) is RaiseAlert:
        rules = ",".join(command.finding.rules)
        # As the alert has it: what the rule asks for is not done to everybody.
        return Act("alert.raise", "", rules, {"action": (None, events[0].finding.action)} if events else {})
    if type(command) is AssignAlert:
        before = None if state is None else state.assignee
        return Act("alert.assign", "", "", {"assignee": (before, command.assignee)} if events else {})
    if type(command) is CloseAlert:
        if not events:
            return Act("alert.close", "", command.note)
        found = state.finding
        # By these the monitor knows what was judged: it may have found more by then.
        judged: Changes = {JUDGED_RULES: (None, ",".join(found.rules)), JUDGED_MS: (None, found.last_ms)}
        return Act("alert.close", "", command.note, {"verdict": (None, command.verdict)} | judged)
    assert type(command) is AlertTold
    return Act("alert.told")


_BREACH_STEPS: Mapping[type, str] = {
    RecordBreach: "record", JudgeRisk: "judge_risk", TellAuthority: "tell_authority", TellSubjects: "tell_subjects",
    SpareSubjects: "spare_subjects", TakeMeasure: "take_measure", ReviseExtent: "revise", CloseBreach: "close",
}  # fmt: skip


def of_breach(state: Breach | None, command: Any, events: Sequence[Any]) -> Act:
    """`breach.record`, `breach.tell_authority`, …, with the risk and the numbers before and after: what was told
    of it may hang on them."""
    action, why, changes = f"breach.{_BREACH_STEPS[type(command)]}", "", dict[str, Any]()
    if type(command) is RecordBreach:
        changes = {"persons": (None, command.extent.persons), "records": (None, command.extent.records)}
    elif type(command) is JudgeRisk:
        why = command.reason
        changes = {"risk": (None if state is None else state.risk, command.risk)}
    elif type(command) is TellAuthority:
        why = command.delay
    elif type(command) is TellSubjects:
        changes = {"told": (None, command.persons)}
    elif type(command) is SpareSubjects:
        why = command.reason
    elif type(command) is TakeMeasure:
        why = command.measure
    elif type(command) is ReviseExtent and state is not None:
        before, after = state.extent, command.extent
        changes = {"persons": (before.persons, after.persons), "records": (before.records, after.records)}
    return Act(action, "", why, changes if events else {})


def of_privacy_request(state: PrivacyRequest | None, command: Any, events: Sequence[Any]) -> Act:
    """`privacy_request.receive`, `.confirm_identity`, `.begin_erase`, `.erase` with its counts, `.end_erase`,
    `.extend`, `.complete`, `.refuse` with why."""
    if type(command) is ReceiveRequest:
        return Act("privacy_request.receive", "", command.right, {"law": (None, command.law)} if events else {})
    if type(command) is ConfirmIdentity:
        covers: Changes = {"covers": (None, ",".join(command.covers))} if events and command.covers else {}
        return Act("privacy_request.confirm_identity", "", command.method, covers)
    if type(command) is BeginStep:
        return Act(f"privacy_request.begin_{command.step}")
    if type(command) is EndStep:
        return Act(f"privacy_request.end_{command.step}")
    if type(command) is NoteStep:
        counts: Changes = {name: (None, count) for name, count in command.counts.items()} if events else {}
        return Act(f"privacy_request.{command.step}", "", "", counts)
    if type(command) is ExtendDeadline:
        return Act("privacy_request.extend", "", command.reason)
    if type(command) is RefuseRequest:
        return Act("privacy_request.refuse", "", command.reason)
    return Act("privacy_request.complete")


def of_consent(state: consent.Consents | None, command: Any, events: Sequence[consent.ConsentChanged]) -> Act:
    """`consent.set`, `consent.withdraw`, with each purpose before and after, and by what as the reason."""
    before = consent.present(state.history) if state is not None else {}
    changes: Changes = {
        event.choice.purpose: (
            None if event.choice.purpose not in before else int(before[event.choice.purpose].granted),
            int(event.choice.granted),
        )
        for event in events
    }
    name = "consent.set" if type(command) is consent.SetConsents else "consent.withdraw"
    return Act(name, "", command.source, changes)


def _unless(wanted: type, events: Sequence[Any], refused: str) -> str:
    return DONE if any(type(event) is wanted for event in events) else refused


def _rights(role_before: str, places_before: str, role: str, locations: Sequence[str]) -> Changes:
    return {"role": (role_before, role), "locations": (places_before, ",".join(locations))}


ACTS: Mapping[str, Callable[[Any, Any, Sequence[Any]], Act]] = {
    "order": of_order,
    "location": of_location,
    "catalogue": of_catalogue,
    "account": of_account,
    "client": of_client,
    "alert": of_alert,
    "approval": of_approval,
    "breach": of_breach,
    "collection": of_collection,
    "consent": of_consent,
    "count": of_count,
    "customer": of_customer,
    "device": of_device,
    "floor": of_floor,
    "guest": of_guest,
    "inbound": of_inbound,
    "manifest": of_manifest,
    "privacy_request": of_privacy_request,
    "shipment": of_shipment,
    "simulations": of_simulations,
    "sourcing_policies": of_sourcing,
    "transfer": of_transfer,
    "reservation": of_reservation,
}
