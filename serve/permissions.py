"""Who may do what: the permissions, and the roles that have them. What each endpoint asks for is
declared in `endpoint_needs.py`.

    endpoint ──NEEDS──▶ Need(permission, …) ◀──ROLES── role of a person
                                            ◀──scopes─ of a machine (names of permissions)

What is not declared here is refused, and the app does not start with an endpoint that is not. The levels are the
seed's: low (see stock and orders), medium (fulfilment), high (thresholds, counts, who may do what).
`python -m serve permissions` prints the matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from serve.endpoint_needs import NEEDS, Need

Level = Literal["own", "low", "medium", "high"]

PERMISSIONS: Mapping[str, Level] = {
    "stock.read": "low",
    "orders.read": "low",
    "orders.place": "low",
    "live.read": "low",
    # A step of an order's life; of picking, cancelling and asking other places `floor.work` or `orders.cancel` as well
    # (`serve/orders/step_rights.py`).
    "orders.update": "medium",
    "orders.cancel": "medium",
    # Holding and releasing orders for reasons of address and customer, their urgency, many at once.
    "orders.hold": "medium",
    # Changing orders after their placement.
    "orders.change": "medium",
    # The same for fraud and payment: whoever releases these decides over money.
    "orders.hold_risk": "high",
    # Giving back money of orders; above the region's threshold somebody else has to approve it.
    "refunds.give": "high",
    # Picking and putting back: fetching units for orders, and telling what is not there.
    "floor.work": "medium",
    # The pack station and the dock; names and addresses on labels and papers.
    "packing.work": "medium",
    # Shipping what nobody ordered.
    "packing.manual": "medium",
    # How much work there is and how fast it is done.
    "figures.read": "medium",
    # To hand an order over to who has no code.
    "pickups.identify": "high",
    "stock.receive": "medium",
    "stock.adjust": "high",
    "catalogue.write": "high",
    "locations.write": "high",
    # From where orders are served: policies, and what places can do.
    "sourcing.write": "high",
    # What another policy would have done: opens of past orders how far places are from where they went, in bulk.
    "sourcing.simulate": "high",
    "accounts.read": "high",
    "accounts.write": "high",
    "clients.write": "high",
    "devices.write": "high",
    "audit.read": "high",
    # What an operator or the keeper did on the cell's own machine, as they say it: no role has it.
    "operators.note": "high",
    "alerts.read": "high",
    "alerts.handle": "high",
    "approvals.read": "high",
    "approvals.decide": "high",
    "notices.deliver": "high",
    "keys.rotate": "high",
    # Requests of people about their own data: see, change, restrict, erase.
    "privacy.handle": "high",
    # What reaches nothing but one's own: orders of a customer, the order of a guest.
    "orders.place_own": "own",
    "orders.read_own": "own",
    "orders.cancel_own": "own",
    "orders.change_own": "own",
    "customer.own": "own",
}

_SEES = ("stock.read", "orders.read", "live.read")
ROLES: Mapping[str, frozenset[str]] = {
    # Stores ship too: who sells there also picks.
    "associate": frozenset({*_SEES, "orders.place", "floor.work", "packing.work"}),
    "fulfilment": frozenset(
        {*_SEES, "orders.update", "orders.cancel", "floor.work", "packing.work", "packing.manual", "stock.receive"}
    ),
    "manager": frozenset(
        {
            *_SEES,
            "orders.place",
            "orders.update",
            "orders.cancel",
            "orders.hold",
            "orders.hold_risk",
            "orders.change",
            "refunds.give",
            "floor.work",
            "packing.work",
            "packing.manual",
            "figures.read",
            "stock.receive",
            "stock.adjust",
            "pickups.identify",
            "sourcing.write",
            "sourcing.simulate",
            "catalogue.write",
            "accounts.read",
            "approvals.read",
            "approvals.decide",
            "devices.write",
        }
    ),
    "driver": frozenset({"orders.read", "orders.update"}),
    "support": frozenset(
        {*_SEES, "orders.place", "orders.update", "orders.cancel", "orders.hold", "orders.change", "refunds.give"}
    ),
    "auditor": frozenset({*_SEES, "accounts.read", "audit.read", "alerts.read", "alerts.handle", "approvals.read"}),
    "privacy": frozenset({"orders.read", "accounts.read", "privacy.handle"}),
    "ops": frozenset(
        {
            *_SEES,
            "figures.read",
            "catalogue.write",
            "locations.write",
            "sourcing.write",
            "sourcing.simulate",
            "accounts.read",
            "accounts.write",
            "clients.write",
            "devices.write",
            "keys.rotate",
        }
    ),
    "customer": frozenset(
        {"orders.place_own", "orders.read_own", "orders.cancel_own", "orders.change_own", "customer.own"}
    ),
    "guest": frozenset({"orders.read_own", "orders.cancel_own"}),
}
# Roles that no member of staff has: their tokens come by codes, and are good for nothing but their own.
CUSTOMERS = frozenset({"customer", "guest"})
OWN = frozenset(name for name, level in PERMISSIONS.items() if level == "own")

# What people do about people, whom no machine stands in for: it would be a way to judge oneself. And what only a
# token by the key file says.
_OVERSIGHT = frozenset({"alerts.handle", "audit.read", "orders.hold_risk", "pickups.identify", "operators.note"})
# What takes a second factor of people, and what is done by ERP and warehouse systems too, by whoever may do it himself.
OF_MACHINES_TOO = frozenset({"stock.adjust", "catalogue.write"})
_PROVED = frozenset(need.permission for need in NEEDS.values() if need.step_up and need.permission) - OF_MACHINES_TOO
# No client is given these: a machine has no second factor, so one that may do what takes it would be a way around it.
# It is no second person either. And nothing is its own.
FOR_PEOPLE = _PROVED | _OVERSIGHT | OWN
_OF_ROLES = frozenset().union(*ROLES.values())

_HEAD = """# Who may do what

Made from `serve/permissions.py` and `serve/endpoint_needs.py` by `python -m serve permissions`; a test compares the two. `x`: may. `2`: may with a second factor that is at
most five minutes old. `o`: may, with what is one's own; `n`: the same, within five minutes of signing in. Rights reach
the locations of the account or client where it says so; without any they reach the whole region. Sourcing policies are set, simulations asked for, and SKUs
defined, only with rights that reach the whole region. Orders are read with rights that end at locations as well, to tell the customer at the counter where his is: status, lines and fulfilments of
any; who ordered and where it goes (the references, the address, notes of holds, how far places are from there, tracking numbers) only of those that have or had a fulfilment there, or are collected there. Of others that
is withheld as `elsewhere`, and who looks for a person's orders, by e-mail address or `customer_ref`, finds none of them (`serve/orders/elsewhere.py`). Who places an order is told what he has sent.
Of an order's steps (`orders.update`) `start_picking`, `pause_picking`, `pack` and `short_pick`, by which units leave the books, need `floor.work` as well, `cancel` and `allocate` `orders.cancel`: a driver ships and delivers, and support
cancels and asks other places.
Two calls need so fresh a second factor only at times, and then `stock.adjust`: opening a count with more tolerance than the cell has, and deciding between two who
counted differently. So does giving money back where none of it waits for a second person (`[approvals] refund_minor = 0`). One approval is seen with `approvals.read`, as far as rights reach, and by who asked for it.

Machines have scopes, which are permissions. No client is given FOR_PEOPLE. Others of level high are given, and the secret of a client that has them is
made anew, only by who has them himself (`client.beyond_rights`): no role has both `clients.write` and `stock.adjust`, or `refunds.give`, so the client of an ERP that corrects stock, or of a shop that gives money back, is
registered on the cell's machine, with the token of `python -m cells token <region> --scope clients.write --scope stock.adjust`.

"""


def undeclared(endpoints: Iterable[tuple[str, str]]) -> list[str]:
    """Those of the (method, path template) that NEEDS lacks."""
    return sorted(f"{method} {path}" for method, path in endpoints if (method, path) not in NEEDS)


def may(need: Need, permissions: frozenset[str]) -> bool:
    """Do the permissions of somebody who is signed in suffice?"""
    if need.permission is None:
        return True
    if permissions and permissions <= OWN:
        return need.own in permissions
    return not need.permission or need.permission in permissions


def beyond(scopes: Iterable[str], own: frozenset[str]) -> list[str]:
    """Those of a machine's scopes that nobody gives who has not got them himself: what is of level `high` and
    not for machines alone."""
    return sorted(scope for scope in set(scopes) & _OF_ROLES - own if PERMISSIONS[scope] == "high")


def page() -> str:
    """The matrix with what one has to know to read it: `docs/security/permissions.md`."""
    return _HEAD.replace("FOR_PEOPLE", ", ".join(f"`{name}`" for name in sorted(FOR_PEOPLE - OWN))) + matrix()


def matrix() -> str:
    """Endpoints against roles, as a Markdown table: `x` may, `2` may with a fresh second factor, `o` may with one's
    own, `n` the same by a new session, empty may not."""
    roles = list(ROLES)
    lines = [
        "| endpoint | needs | level | " + " | ".join(roles) + " |",
        "|---|---|---|" + "|".join("---" for _ in roles) + "|",
    ]
    for (method, path), need in NEEDS.items():
        mark, own = ("2", "n") if need.step_up else ("x", "o")
        marks = {role: own if role in CUSTOMERS and need.permission is not None else mark for role in roles}
        cells = [marks[role] if may(need, ROLES[role]) else "" for role in roles]
        wanted = "nothing" if need.permission is None else need.permission or "being signed in"
        level = PERMISSIONS[need.permission] if need.permission else ""
        where = " at the location" if need.at_location else ""
        lines.append(f"| `{method} {path}` | {wanted}{where} | {level} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
