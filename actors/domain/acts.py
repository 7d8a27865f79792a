"""What the audit says of each command: its name, where it was, why, and what sensitive fields were before and after.

Each noun's function is `Kind.act` (`kinds.py`): (state before the command, command, events that follow) → Act. A noun without one is
named by its kind and its command: `claim.take`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from actors.domain import customer, guest
from actors.domain.account_commands import ChangeRole, EndShift, OpenAccount, Refresh, SignIn, StepUp
from actors.domain.account_events import ShiftEnded, SignedIn, SteppedUp
from actors.domain.account_state import Account
from actors.domain.alert import AlertTold, AssignAlert, CloseAlert, RaiseAlert
from actors.domain.audit import DONE, Act, Audited, Changes, Who
from actors.domain.catalogue import DefineSkus
from actors.domain.client import Client, RegisterClient, SetClientScopes
from actors.domain.kind import Kind
from actors.domain.location import AdjustStock, Location, OpenLocation, ReceiveStock, Stock
from actors.domain.order import PlaceOrder, UpdateOrder
from actors.domain.order_state import Order, status_of

# Of a body with a thousand lines the audit names so many; the history has them all.
CHANGES_MAX = 50
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def audited_of(
    kind: Kind, who: Who | None, state: Any, command: Any, events: Sequence[Any], refused: str = DONE
) -> list[Audited]:
    """The audit's lines of one turn. None for what nobody asked for: messages between entities, and timers."""
    if kind.noted is not None:
        return kind.noted(command)
    if who is None:
        return []
    act = kind.act(state, command, events) if kind.act is not None else _plain(kind.name, type(command))
    return [Audited(who, act, refused or act.refused)]


def _plain(kind: str, command: type) -> Act:
    return _named(kind, command.__name__)


@cache
def _named(kind: str, command: str) -> Act:
    return Act(f"{kind}.{_WORD.sub('_', command).lower()}")


_PLACED = Act("order.place")


def of_order(state: Order | None, command: Any, events: Sequence[Any]) -> Act:
    """`order.place`, `order.ship`, …: where the fulfilments are that it moves; a cancellation with the status from which it was."""
    if type(command) is PlaceOrder:
        return _PLACED
    if type(command) is not UpdateOrder or state is None:
        return _plain("order", type(command))
    wanted = command.fulfilment
    places = {f.location_id for f in state.fulfilments if wanted is None or f.number == wanted}
    location_id = places.pop() if len(places) == 1 else ""
    if command.update != "cancel":
        return Act(f"order.{command.update}", location_id)
    return Act("order.cancel", location_id, "", {"status": (status_of(state), "cancelled")} if events else {})


def of_location(state: Location | None, command: Any, events: Sequence[Any]) -> Act:
    """`location.adjust` and `location.set_safety_stock` with counts before and after: they override what the system believes."""
    if type(command) is OpenLocation:
        before = None if state is None else state.particulars.name
        return Act("location.open", "", "", {"name": (before, command.name)} if events else {})
    if type(command) is ReceiveStock:
        return Act("location.receive")
    if type(command) is not AdjustStock:
        return _plain("location", type(command))
    changes: Changes = {}
    counted, reasons = False, dict[str, None]()
    for line in command.lines:
        stock = (state.stock.get(line.sku) if state is not None else None) or Stock()
        if line.quantity:
            counted = True
            reasons[line.reason] = None
            name = f"{line.sku}.on_hand"
            # A SKU may be named by several lines.
            first, last = changes.get(name, (stock.on_hand, stock.on_hand))
            changes[name] = (first, last + line.quantity)  # type: ignore[operator]
        if line.safety_stock is not None:
            changes[f"{line.sku}.safety_stock"] = (stock.safety_stock, line.safety_stock)
    kept = dict(list(changes.items())[:CHANGES_MAX])
    return Act("location.adjust" if counted else "location.set_safety_stock", "", ",".join(reasons), kept)


def of_catalogue(state: Any, command: DefineSkus, events: Sequence[Any]) -> Act:
    """`catalogue.define`."""
    return Act("catalogue.define", "", "", {"skus": (None, len(command.skus))})


def of_account(state: Account | None, command: Any, events: Sequence[Any]) -> Act:
    """`session.open`, `session.refresh`, `session.proof`, `session.close`, and `account.…` for what is done to an account."""
    if type(command) is SignIn:
        return Act("session.open", command.location_id, "", {}, _unless(SignedIn, events, "session.refused"))
    if type(command) is Refresh:
        refused = "session.token_reused" if any(type(event) is ShiftEnded for event in events) else DONE
        return Act("session.refresh", "", "", {}, refused)
    if type(command) is StepUp:
        return Act("session.proof", "", "", {}, _unless(SteppedUp, events, "factor.code_wrong"))
    if type(command) is EndShift:
        return Act("session.close")
    if type(command) is OpenAccount:
        return Act("account.open", "", "", _rights("", "", command.role, command.locations) if events else {})
    if type(command) is ChangeRole and state is not None and events:
        before = ",".join(state.locations)
        return Act("account.change_role", "", "", _rights(state.role, before, command.role, command.locations))
    return _plain("account", type(command))


def of_client(state: Client | None, command: Any, events: Sequence[Any]) -> Act:
    """`client.register`, `client.set_scopes`, … with the scopes before and after."""
    if not events or not isinstance(command, RegisterClient | SetClientScopes):
        return Act(_plain("client", type(command)).action.replace("_client", ""))
    before = "" if state is None else ",".join(state.scopes)
    name = "client.register" if type(command) is RegisterClient else "client.set_scopes"
    return Act(name, "", "", {"scopes": (before, ",".join(command.scopes))})


def of_guest(state: Any, command: Any, events: Sequence[Any]) -> Act:
    """`guest.keep_code`; `session.open` for a code that is given back."""
    if type(command) is guest.TryCode:
        return Act("session.open", "", "", {}, _unless(guest.CodeUsed, events, "code.refused"))
    return _plain("guest", type(command))


def of_customer(state: Any, command: Any, events: Sequence[Any]) -> Act:
    """The same words as for staff's sessions."""
    if type(command) is customer.TryCode:
        return Act("session.open", "", "", {}, _unless(customer.SessionOpened, events, "code.refused"))
    if type(command) is customer.RefreshSession:
        refused = DONE if any(type(event) is customer.SessionRefreshed for event in events) else "session.token_reused"
        return Act("session.refresh", "", "", {}, refused)
    if type(command) is customer.EndSession:
        return Act("session.close")
    return _plain("customer", type(command))


def of_alert(state: Any, command: Any, events: Sequence[Any]) -> Act:
    """`alert.raise` with the rules, `alert.assign`, `alert.close` with the verdict, `alert.told`."""
    if type(command) is RaiseAlert:
        found = command.finding
        return Act("alert.raise", "", ",".join(found.rules), {"action": (None, found.action)} if events else {})
    if type(command) is AssignAlert:
        before = None if state is None else state.assignee
        return Act("alert.assign", "", "", {"assignee": (before, command.assignee)} if events else {})
    if type(command) is CloseAlert:
        return Act("alert.close", "", command.note, {"verdict": (None, command.verdict)} if events else {})
    assert type(command) is AlertTold
    return Act("alert.told")


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
    "customer": of_customer,
    "guest": of_guest,
}
