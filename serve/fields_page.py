"""The page of fields that people read, `docs/security/fields.md`: which of them which role sees and may
change, and which go together.

Roles come from `permissions.py`, the texts of refusals from `problem_codes/`, what tells of an order's person from the
notes beside its fields; which permission a group of fields takes, and what else it depends on, is told here, as its
endpoint or entity has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

import msgspec

from actors.domain.order_views import OrderView
from actors.domain.personal import Personal
from serve.permissions import CUSTOMERS, PERMISSIONS, ROLES
from serve.problem_codes import TABLE
from serve.processing import Field, fields_of

NOBODY = ""


class Fields(NamedTuple):
    """A group of fields that are treated alike. `seen`, `changed`: any of these permissions; NOBODY is one of its own;
    `but`: what else decides."""

    what: str
    seen: tuple[str, ...]
    changed: tuple[str, ...]
    but: str


class Together(NamedTuple):
    """What is not valid by itself. `codes`: how it is refused."""

    fields: str
    rule: str
    codes: tuple[str, ...]


# What other rows have: notes are those of holds, purchases the lines.
_OF_OTHER_ROWS = frozenset({"note", "purchase"})


def shown_of_person(view: type[msgspec.Struct] = OrderView) -> list[str]:
    """The fields in which answers about an order tell of its person, as the notes beside them have it
    (`personal.py`)."""
    names = (field.name for field in _inside(view) if any(map(_tells_of_person, field.notes)))
    return [f"`{name}`" for name in dict.fromkeys(names)]


def _tells_of_person(note: Personal) -> bool:
    return note.purpose == "orders" and note.protection == "rights" and note.category not in _OF_OTHER_ROWS


def _inside(kind: Any) -> Iterator[Field]:
    """The fields of all structs in a type, through unions and lists."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field in fields_of(kind):
            yield field
            yield from _inside(field.kind)
    for part in get_args(kind):
        yield from _inside(part)


_ORDER = ("orders.read", "orders.read_own")
FIELDS: tuple[Fields, ...] = (
    Fields("order: status, lines, amounts, fulfilments", _ORDER, ("orders.update", "orders.cancel", "orders.change", "orders.change_own", "orders.cancel_own"), "each step by the state of the order; units of a line until they are picked, or the place's cut-off; a customer or guest their own, and of steps `cancel` alone; prices by nobody"),
    Fields(f"order: who ordered and where it goes, a present's words ({', '.join(shown_of_person())}), how far places are from there, tracking numbers", _ORDER, ("orders.change", "orders.change_own", "privacy.handle"), "with rights that end at locations only of what is served or collected there (`elsewhere`); of a restricted person for `privacy.handle` and themselves; erased for nobody. Changed as long as nothing is picked: the address; as a correction for its person: all but the country, by `privacy.handle`"),
    Fields("order: e-mail address", ("privacy.handle", "customer.own"), ("privacy.handle",), "never told with the order; in the export of a person's data alone"),
    Fields("order: holds for address and customer, with their notes", ("orders.read",), ("orders.hold",), "notes as whose the order is"),
    Fields("order: holds for fraud and payment", ("orders.read",), ("orders.hold_risk",), "setting them and releasing from them"),
    Fields("order: what was given back", ("orders.read", "orders.read_own"), ("refunds.give",), "only added to; no more than is kept; above the threshold by two people"),
    Fields("order: history", ("orders.read",), (NOBODY,), "what was there before a correction, for `privacy.handle` alone"),
    Fields("stock: counts, reservations, ledger", ("stock.read",), ("stock.receive", "stock.adjust"), "at one's locations; received by `stock.receive`, corrected by `stock.adjust`, above the threshold by two people; the ledger by nobody"),
    Fields("stock: safety stock, levels, demand, bins", ("stock.read",), ("stock.adjust",), "at one's locations"),
    Fields("count: what the books say", ("stock.read",), (NOBODY,), "of a blind count nothing before the spot is decided"),
    Fields("count: tolerance", ("stock.read",), ("stock.receive",), "when it is opened; above `[counts]` only with `stock.adjust`"),
    Fields("SKU: description, sizes, classes, cost of a unit", ("stock.read",), ("catalogue.write",), "with rights that reach the whole region; the cost, with what it was, stands in the audit"),
    Fields("place: name, address, time zone; profile", ("stock.read",), ("locations.write", "sourcing.write"), "the profile by `sourcing.write`, at one's locations"),
    Fields("sourcing policy", ("stock.read",), ("sourcing.write",), "with rights that reach the whole region"),
    Fields("shipment: labels, slips, customs papers", ("packing.work",), ("packing.work",), "as whose the order is; gone with their time"),
    Fields("collection: the code", (NOBODY,), ("orders.change", "orders.read_own"), "kept as a keyed digest; a new one is sent to its customer"),
    Fields("collection: that somebody was identified without the code", ("orders.read",), ("pickups.identify",), "with a fresh second factor; people only"),
    Fields("account: role, locations, whether it is enabled or locked, the shift", ("accounts.read",), ("accounts.write",), "one's own shift by oneself"),
    Fields("account: password", (NOBODY,), ("accounts.write",), "kept as argon2id; one's own by the one before and a fresh second factor, on shift or as it begins"),
    Fields("account: secret of the codes, recovery codes", (NOBODY,), ("accounts.write",), "shown once to the person who enrols; an administrator takes them away and sets none"),
    Fields("account: login name", (NOBODY,), ("accounts.write",), "kept as a keyed digest, given once"),
    Fields("client: scopes, locations", ("clients.write",), ("clients.write",), "no scope that is for people alone; of level high by who has it"),
    Fields("client: secret", (NOBODY,), ("clients.write",), "shown once to who registers it or has it made anew"),
    Fields("device: location, rights", ("devices.write",), ("devices.write",), "at one's locations; rights that one has oneself"),
    Fields("customer: address, sessions, passkeys, consents", ("customer.own", "privacy.handle"), ("customer.own", "privacy.handle"), "their own; others by a request that is handled"),
    Fields("request of a data subject", ("privacy.handle", "customer.own"), ("privacy.handle",), "one's own without notes of staff, but for the export; steps by the state of the request"),
    Fields("audit", ("audit.read",), (NOBODY,), "only added to; who adds is the cell"),
    Fields("alert", ("alerts.read",), ("alerts.handle",), "nobody handles one about himself"),
    Fields("approval: what is asked for, the decision", ("approvals.read",), ("approvals.decide",), "at one's locations; who asked sees it and may withdraw it, and never decides"),
)  # fmt: skip
TOGETHER: tuple[Together, ...] = (
    Together("order: currencies of all prices", "one, which the region accepts", ("order.mixed_currencies", "order.currency_not_accepted")),
    Together("order, cart, change: `lat`, `lon`", "both or neither", ("order.coordinates_incomplete",)),
    Together("order: `ship_to.country`, region", "the region serves it; a change keeps it", ("country.not_served", "region.misdirected", "order.country_fixed")),
    Together("order: `pickup`, and where it is", "a store, which is there", ("pickup.location_unknown", "pickup.not_a_store")),
    Together("order: `pickup` with terms, a cart, or goods that are not out yet", "not together", ("pickup.with_terms", "pickup.with_reservation", "pickup.not_released")),
    Together("order: `release_at`, now, a cart", "to come; no cart with it", ("order.release_in_past", "order.release_with_cart")),
    Together("order: `customer_ref`, who asks", "none by a customer: whose it is the token says", ("order.customer_ref_not_allowed",)),
    Together("order: line, `substitutes`", "not the SKU itself, and none for a kit", ("order.substitute_not_allowed",)),
    Together("order: handling named in two places", "each once", ("order.handling_twice",)),
    Together("update: the step with `lines`, `hold`, `priority`", "each with its own step alone", ("update.lines_not_allowed", "update.details_not_allowed", "update.details_required")),
    Together("update: step, state of the order", "one that is legal now", ("order.illegal_transition",)),
    Together("update: `occurred_at`, now", "within what the region takes", ("update.occurred_at_out_of_range",)),
    Together("many orders: filter, update, rights", "some filter; a location where rights end at some", ("bulk.filter_required", "bulk.location_required")),
    Together("refund: amount, what is kept; currency, the order's", "no more; the same", ("refund.too_much", "refund.currency_differs")),
    Together("receipt: SKU, lot, serial numbers, date of expiry, units", "as the SKU is kept: a lot where it is kept by lot, a number for each unit where by number, a date where it expires", ("stock.lot_required", "stock.lot_not_kept", "stock.serials_differ", "stock.expiry_required", "stock.expiry_needs_lot")),
    Together("correction: units less, units that are free", "no more than there are", ("stock.insufficient",)),
    Together("body: the same SKU twice", "once", ("stock.sku_repeated", "catalogue.sku_repeated")),
    Together("demand: `since`, `until`", "in that order, and past", ("stock.demand_period_invalid",)),
    Together("count: spot", "a bin, or a SKU that lies in none", ("count.spot_invalid",)),
    Together("carton: its name, or all of its measures", "one of the two, and whole", ("packing.carton_measured", "packing.carton_incomplete", "packing.carton_unknown")),
    Together("sign-in: login, password and a second factor; or a passkey alone", "whole", ("body.missing_field", "session.refused")),
    Together("sign-in: location, the account's, the device's", "one of the account's, of which a single one need not be named, and one that there is; on a device its own", ("account.location_not_allowed", "account.location_unknown", "device.elsewhere")),
    Together("change of an account or client: `role`, `scopes`, `locations`", "whole: what is left out gives nothing", ("body.missing_field",)),
    Together("client: scopes, who registers it", "none for people alone, none of level high that he has not", ("client.scope_forbidden", "client.beyond_rights")),
    Together("decision: `decision`, `note`", "a refusal has one, an approval none", ("body.missing_field", "body.invalid")),
    Together("key: `Idempotency-Key`, the request", "the same key for the same request only", ("idempotency.key_reused",)),
    Together("query: its names", "those of which the API's document tells for the endpoint", ("request.parameter_unknown",)),
    Together("query: a name that stands for one value", "once", ("request.parameter_repeated",)),
)  # fmt: skip

_HEAD = """# Fields: who sees and changes them, and which go together

Made from `serve/fields_page.py` and `serve/permissions.py` by `python -m serve fields`; a test compares the two. What is valid by itself (types, patterns, ranges) stands in the API's document at `/openapi.json`, which endpoint
takes which permission in [who may do what](permissions.md), what lies sealed in [keys](keys.md).

## Who sees and changes what
Who lacks the permission gets no answer at all. Who has it is told all of these fields, and changes them by their endpoints alone: there is no field that an endpoint takes without saying so, unknown ones are refused. `(own)`: one's own only.

| fields | seen by | changed by | and besides |
|---|---|---|---|
"""
_TOGETHER = """
## Which belong together
Checked where a body is decoded, or by the entity in its turn when it depends on a state; whoever sends it is told the place in `errors`.

| fields | rule | refused as |
|---|---|---|
"""


def roles_of(permissions: tuple[str, ...]) -> str:
    """The roles that have any of them."""
    if permissions == (NOBODY,):
        return "nobody"
    found = [role for role, has in ROLES.items() if not has.isdisjoint(permissions)]
    told = ", ".join(f"{role} (own)" if role in CUSTOMERS else role for role in found)
    return f"{told}: {', '.join(f'`{name}`' for name in permissions)}"


def page() -> str:
    """The whole page. Raises KeyError for a permission or code that there is not."""
    for one in FIELDS:
        for permission in (*one.seen, *one.changed):
            assert permission == NOBODY or PERMISSIONS[permission]
    fields = "".join(f"| {one.what} | {roles_of(one.seen)} | {roles_of(one.changed)} | {one.but} |\n" for one in FIELDS)
    together = "".join(
        f"| {one.fields} | {one.rule} | {', '.join(f'{TABLE[code].status} `{code}`' for code in one.codes)} |\n"
        for one in TOGETHER
    )
    return _HEAD + fields + _TOGETHER + together
