"""The page of limits that people read, `docs/security/limits.md`: of signing in, of sessions, of what a person may do
in the business, of what is costly.

Numbers come from where they hold; what they are good for is told here. Settings of a region are named, their numbers
stand in docs/settings.md.
"""

from __future__ import annotations

from typing import Any

import msgspec

from actors.domain import client, customer_state, device, one_time_code, passkeys, reservation, simulations
from actors.domain.account_state import ACCESS_MS, GIVEN_MS, IDLE_MS, LOCK_AFTER, LOCK_MS, SHIFT_MAX_MS, STEP_UP_MS
from actors.domain.collection_code import RENEWALS_MAX
from actors.domain.money import AMOUNT_MAX
from actors.domain.order_holds import HOLD_HOURS_MAX
from actors.domain.order_refund_state import REFUNDS_MAX
from actors.domain.shipment_state import PARCELS_MAX
from actors.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from actors.domain.transfer_commands import LINES_MAX as TRANSFER_LINES_MAX
from actors.domain.what_if_terms import ORDERS_MAX as PLAYED_MAX
from actors.runtime.audit_lines import LINES_MAX as AUDIT_LINES_MAX
from serve.customers.codes import CODE_DIGITS
from serve.identity import limits, passwords, tokens
from serve.identity.limits import Limit
from serve.identity.totp import STEP_S
from serve.limits import ITEMS_MAX, LINES_MAX, PAGE_MAX, SKUS_PER_QUERY_MAX, UNITS_MAX
from serve.orders import bulk, finding
from serve.packing.slip import SLIP_LINES_MAX
from serve.permissions import OF_MACHINES_TOO
from serve.privacy import persons
from serve.queries import PAIRS_MAX, QUERY_BYTES_MAX
from serve.requests import OPEN_BODY_MAX
from serve.reservations import schemas as carts
from serve.settings import ApiSettings
from serve.sourcing.promises import COUNTED_MAX, DAYS_MAX

_API: dict[str, Any] = {field.name: field.default for field in msgspec.structs.fields(ApiSettings)}


def _often(limit: Limit) -> str:
    return f"{limit.per_minute} a minute, {limit.burst} at once"


def _lasts(ms: int) -> str:
    for unit, name in ((DAY_MS, "days"), (HOUR_MS, "hours"), (MINUTE_MS, "minutes")):
        if ms > unit and ms % unit == 0:
            return f"{ms // unit} {name}"
    return f"{ms // 1000} seconds"


def _many(number: int) -> str:
    return f"{number:,}"


_HEAD = """# Limits

Made from the code by `python -m serve limits`; a test compares the two. What a region sets itself is named as `[section] key`, with its numbers in [settings](../settings.md). What a limit
answers stands in [the codes](../errors.md): 429 `auth.too_often` and others say in `Retry-After` when to come again.

"""

_WAYS = f"""## Ways to sign in, and how strong they are
There are no others: a route without a declaration stops the start (`serve/endpoint_needs.py`). AAL is the level of NIST SP 800-63B-4 that a way comes up to at most; nobody has certified it.

| who | by what | factors | AAL | what it opens | its weakest point |
|---|---|---|---|---|---|
| staff | password of {passwords.LENGTH_MIN} to {passwords.LENGTH_MAX} characters and a code of the authenticator app ({STEP_S} s) | two | 2 | a shift, with the rights of the role | the code can be phished: a page in between passes it on at once |
| staff | password and passkey | two | 2 | the same | none that is known for a page in between: the passkey is bound to the domain |
| staff | passkey alone, which has verified its person | two in one | 2 | the same, although the account is locked | the device's own lock |
| staff | password and one of ten recovery codes of 140 bits | two | 2 | the same, once each | where the codes are kept |
| staff whose password somebody gave | that password and any of the second factors above | two, of which another knows one | 2 | the shift that replaces it, for {_lasts(GIVEN_MS)} from when it was given | who gave it comes first, and enrols a factor of his own: [passwords](passwords.md#one-that-somebody-else-chose) |
| staff with none of these left | an administrator's reset with a fresh second factor, then the first enrolment by password | one, for as long as the enrolment takes | 1 | the enrolment, and nothing else | whether the administrator knew who asked: [passwords](passwords.md) |
| customers | a code of {CODE_DIGITS} digits, sent to their mailbox | one | below 1: NIST takes no e-mail for this | their own orders, carts and data | the mailbox |
| customers | passkey | two in one | 2 | the same | the device's own lock |
| guests | a code of {CODE_DIGITS} digits, sent to the mailbox that the order names | one | below 1 | that one order, for {_lasts(tokens.GUEST_S * 1000)} | the mailbox |
| machines | a secret of 256 bits (OAuth client credentials) | one | – | what their scopes say, never what is for people alone | where the secret lies |
| devices | a statement signed by a key that they made themselves (Ed25519, RFC 7523), once | one | – | a choice of five rights at one location | whoever has the device: [devices](devices.md) |

All of staff have two factors, always; one's own things alone are given for less. What is sensitive takes a proof that is at most {_lasts(STEP_UP_MS)} old (`2` and `n` in [who may do what](permissions.md)): of staff the second
factor again, a passkey only if it verifies its person; of customers a session that was opened since. Machines can't give one, and none is asked of them: of the rights whose calls always take one, clients
may have {" and ".join(f"`{name}`" for name in sorted(OF_MACHINES_TOO))} alone, for ERP and warehouse systems. What is large waits for a second person all the same ([four eyes](approvals.md)).

"""

_GUESSING = f"""## Guessing
| what is tried | counted by | how often | what else |
|---|---|---|---|
| password and code at the door | address | {_often(limits.BY_ADDRESS)}; on an enrolled device as much by that instead | no refusal before half a second, the same one for each reason |
| the same | account, there or not | {_often(limits.BY_ACCOUNT)} | the {LOCK_AFTER}th failure in a row locks the door for {_lasts(LOCK_MS)} |
| passkey without a password at the door | address, as above; account, apart from passwords, once its signature fits | {_often(limits.BY_ACCOUNT)} an account | each challenge is answered once; a signature that does not fit locks nothing |
| second factor or password during a shift | person | {_often(limits.BY_ACCOUNT)} | failures of their own; the {LOCK_AFTER}th locks inside and at the door for {_lasts(LOCK_MS)} |
| renewing tokens | session, of staff and of customers | {_often(limits.BY_SESSION)} | an old token ends the session |
| asking for a code | address | {_often(limits.CODES_BY_ADDRESS)} | answered alike and as late whether there is such an order or account |
| the same | order or customer, for each address by itself | {_often(limits.CODES_BY_PERSON)} | from all addresses together {one_time_code.ASKS_MAX} are sent in a row, then one each {_lasts(one_time_code.ASK_EVERY_MS)} |
| trying a code, or a customer's passkey | address | {_often(limits.BY_ADDRESS)} | no refusal before half a second |
| the same | order or customer, for each address by itself | {_often(limits.TRIES_BY_PERSON)} | each code: {one_time_code.TRIES_MAX} tries, {_lasts(one_time_code.CODE_MS)}, once |
| claiming a device | device, for each address by itself | {_often(limits.TRIES_BY_PERSON)} | each code: {one_time_code.TRIES_MAX} tries, {_lasts(device.CODE_MS)}, once |
| tokens of machines and devices | machine or device, once it has proved itself | {_often(limits.BY_CLIENT)} | a secret of 256 bits or a key: nobody guesses it |
| the same, refused; old or wrong refresh tokens and tickets | address, all of these together | {_often(limits.BY_ADDRESS)} | who proves himself is let in as before |
| the code of a collection | collection | {one_time_code.TRIES_MAX} tries | a new one {RENEWALS_MAX} times a day |

An address is an IPv4 address or a /64 of IPv6; and whatever is counted by address alone is counted by the /48 around it as well, {limits.AROUND_TIMES} times as much: one owner is often given all of that. Counted are all replicas together, in Redis; while that can't be done nobody is let try (503 `auth.uncounted`). The numbers stand in `serve/identity/limits.py`,
`actors/domain/account_state.py` and `one_time_code.py`: they are code, and are changed there. What a region sets: `[api] router_networks`, without which all who come through a router on another machine are one address; `[identity] breached_passwords` and
`own_words`; the thresholds `stuffing` and `guessing` of the monitor ([anomalies](anomalies.md)), which tell of many accounts from one network, and of one account from many.

**A lock as a weapon.** Who knows a login name can lock its door by {LOCK_AFTER} wrong passwords, and again each half hour, from anywhere. What it does not do:

- *it ends nothing*: who is on shift works on, renews his tokens and gives his second factor; failures inside are counted apart;
- *it keeps nobody out who has a passkey*: that one is taken although the account is locked, and its tries are counted apart, once its signature fits, so that nobody else uses them up. So give passkeys to those who must get in, two each;
- *it takes a name*: logins are told by no answer, list or log, the account's id opens and locks nothing, and of the account an attacker sees the same refusal whether it is there, locked or disabled;
- *it is seen*: after 10 tries within an hour `guessing` raises an alert, `stuffing` one of whoever tries it with many names.

What to do when it happens: an administrator sets a new password for the account, which lifts the lock (and ends its shift); a person whose name is tried again and again gets a passkey, or another account under a name that is not an address. What stays: who has only a password
and stands before the door waits for half an hour, or for an administrator.

**Of customers and guests nothing is ever locked**, and tries are counted for each address by itself, so nobody uses up those that somebody else has elsewhere. A stranger who knows an e-mail address or an order's id can still be in the way, from anywhere and for as long as he goes on:

- *by wrong codes*: {one_time_code.TRIES_MAX} of them, and the code that waits is worth nothing;
- *by asking for codes*: each that is sent replaces the one that waits, and is one of the {one_time_code.ASKS_MAX} that are sent in a row to whoever asks from anywhere, after which there is one each {_lasts(one_time_code.ASK_EVERY_MS)}, for the owner too. It goes to the owner all the same. With an order's id and a wrong address nothing is
  sent and nothing of that used up, whatever he asks;
- *from the owner's own address* (an office, a provider that puts many behind one IPv4 address): there the requests for a code and the tries are the owner's as well, who has to come from another one.

He reads no code by it, and guesses one in {10**CODE_DIGITS // one_time_code.TRIES_MAX:,} of those that he has sent. The way round is a customer's passkey, which needs no code and has tries of its own; guests have none.

"""


def _sessions() -> str:
    by_role: dict[int, list[str]] = {}
    for role, idle in IDLE_MS.items():
        by_role.setdefault(idle, []).append(role)
    staff = "".join(
        f"| {', '.join(roles)} | {_lasts(SHIFT_MAX_MS)}, or as planned | {_lasts(idle)} in which nothing was asked for | one: another sign-in ends the shift before |\n"
        for idle, roles in sorted(by_role.items())
    )
    return f"""## Sessions
| of | at most | idle | at once |
|---|---|---|---|
{staff}| customers | {_lasts(customer_state.SESSION_MS)} | {_lasts(customer_state.IDLE_MS)} without a renewal, which a page that stays open makes | {customer_state.SESSIONS_MAX}: one more ends the oldest |
| guests | {_lasts(tokens.GUEST_S * 1000)}, not renewed; none any more once the address of the order is corrected | – | any number: each has its code |
| machines | {_lasts(ACCESS_MS)} a token, {_lasts(client.TOKEN_MAX_MS)} at the very most | – | all tokens of a client are one session; a change of its rights, or disabling it, ends all |
| devices | {_lasts(ACCESS_MS)} a token; the session until the device is revoked, moved or claimed anew | – | one |

An access token is good for {_lasts(ACCESS_MS)}; one of a session that ended is refused everywhere within two seconds, also of a request that began before and whose body comes later. A session ends by signing out, at its limits, by an old refresh token, by an administrator's change of password, role or factor, by disabling the account, by
an alert, and all of them at once by `rotate-keys --compromised`. There is no session of another system's to end: nobody signs in through anybody else.

Beside NIST SP 800-63B-4 (section 2.2.3; AAL2: a day at most, an hour idle at most, both "should") and its third revision (12 hours, 30 minutes):

| | NIST | here | why |
|---|---|---|---|
| shift | 24 hours; 12 in revision 3 | {_lasts(SHIFT_MAX_MS)} | no shift of work is longer |
| idle, managers | 1 hour; 30 minutes in revision 3 | {_lasts(IDLE_MS["manager"])} | they may do what costs money, at desks that others pass |
| idle, all others | 1 hour; 30 minutes in revision 3 | {_lasts(IDLE_MS["associate"])} | as revision 4 has it, longer than revision 3: who unloads a truck or drives touches no device for half an hour, and a scanner that asks for a password there is left signed in for all. What is sensitive takes a new proof after {_lasts(STEP_UP_MS)} anyway |
| after that | all factors, or one where the session still lasts | all of them, always | simpler, and never weaker |
| customers | 30 days (AAL1) | {_lasts(customer_state.SESSION_MS)}, {_lasts(customer_state.IDLE_MS)} idle | a code by e-mail is less than AAL1 asks for: so a session reaches one's own things alone, and what changes them for good takes one that is {_lasts(STEP_UP_MS)} old at most |

"""


_BUSINESS = f"""## Limits of the business
Of one request, whoever sends it:

| what | at most |
|---|---|
| lines of an order; units of a line; price of a unit | {_many(LINES_MAX)}; {_many(UNITS_MAX)}; {_many(AMOUNT_MAX)} minor units |
| updates, corrections, moves, definitions in one body | {_many(ITEMS_MAX)} |
| orders that one call holds, releases, prioritises or cancels | {_many(ITEMS_MAX)}, of the newest {_many(bulk.SCANNED_MAX)} |
| a hold that ends by itself | {HOLD_HOURS_MAX} hours |
| lines of a transfer | {_many(TRANSFER_LINES_MAX)} |
| a cart | {_lasts(reservation.TTL_MAX_MS)} at a time, {_lasts(reservation.TOTAL_MAX_MS)} in all |
| updates of the past, and of the future | `[api] occurred_at_max_age_days` ({_API["occurred_at_max_age_days"]}), `occurred_at_max_ahead_s` ({_API["occurred_at_max_ahead_s"]}) |

Of one person:

| who | what | at most |
|---|---|---|
| customer | carts | {_often(limits.RESERVATIONS_BY_CUSTOMER)} |
| customer | orders that one places oneself | {_often(limits.ORDERS_BY_CUSTOMER)} |
| customer | one's own cart: units of a SKU; lines; seconds at a time; seconds in all | {carts.OWN_UNITS_MAX}; {carts.OWN_LINES_MAX}; {_many(carts.OWN_TTL_MAX_S)}; {_many(carts.OWN_TOTAL_MAX_S)} |
| customer | asking about one's own data | {_often(limits.OWN_DATA_BY_PERSON)} |
| customer, staff | passkeys | {passkeys.PASSKEYS_MAX} |
| customer, guest | cancelling and changing | one's own orders, as long as the order's state lets them |
| staff, clients | refunds of one order | {REFUNDS_MAX}, together no more than is kept of it; above `[approvals] refund_minor`, with all that was given back of it alone, only with somebody else |
| staff, clients | corrections of stock in one call, and what a transfer lacks or has lost; transfers | above `[approvals] adjustment_units` or `transfer_units` only with somebody else |
| staff | tolerance of a count | `[counts] tolerance_units`, `tolerance_percent`, `tolerance_value`; above `approval_value` only with somebody else |
| staff | releasing from a hold for fraud or payment | with `orders.hold_risk` alone, which managers have; as many as there are |
| staff | deciding about what one asked for oneself | nothing |

What has no limit of its own: how many orders staff and clients place, how much a customer orders of one SKU (a cart is limited, an order is not: companies order by hundreds; [whose check that is](../domain/order.md#placed-by-a-customer)), how many orders a manager
releases or a support agent cancels in an hour, how often somebody looks at orders. Of the last three the monitor knows what is usual of that person, and asks for a proof or ends the session ([anomalies](anomalies.md)). A shop that sells one of a thing to each
customer says so in the shop.

Of all together: stock is promised once (the location decides alone); a replica takes {_many(_API["requests_max"])} requests in flight and {_many(_API["connections_max"])} connections; for a host wait
`[runtime] inbox_max` commands at most, for an entity that is being loaded `mailbox_max`, and not yet in PostgreSQL are `tail_max_turns` of a host at most; past each of them callers get 429 or 503 with `Retry-After`.

"""

_COSTLY = f"""## What is costly, and what holds it back
| what | what it costs | what holds it back | how it keeps within the caller's time |
|---|---|---|---|
| checking a password | 0.1 s of a core, 64 MiB | {passwords.THREADS} threads of their own, {passwords.WAITING_MAX} who wait, then 429 `auth.busy`; tries are counted before | a queue of {passwords.WAITING_MAX} lasts some seconds at most |
| bodies | memory, decoding | `[api] max_body_bytes` ({_many(_API["max_body_bytes"])}), {_many(OPEN_BODY_MAX)} where nobody is signed in; {_API["body_timeout_s"]:g} s | 408, 413 at once |
| heads and queries | memory | {_many(_API["header_bytes_max"])} bytes, {_API["head_timeout_s"]:g} s; {PAIRS_MAX} parameters of {_many(QUERY_BYTES_MAX)} bytes where they are read by ourselves | cut off |
| availability | some microseconds a SKU, from memory | {SKUS_PER_QUERY_MAX} SKUs a query; answers are kept | no I/O |
| placing an order with many lines, substitutes or groups | a search for places | steps of the search are bounded (`actors/domain/sourcing_size.py`), past them the good answer found so far counts | waits `[api] placement_wait_ms`, then goes on behind the answer `placed` |
| many updates, bulk holds | a turn each | {_many(ITEMS_MAX)} a body, {_many(bulk.SCANNED_MAX)} looked at | `[api] request_timeout_ms`, then 503: sent again under the same key, each is done once |
| lists and searches | PostgreSQL | pages of {PAGE_MAX}; a few connections for all of a replica; a statement ends after 5 s (`actors/storage/connections.py`) | 503 with `Retry-After` |
| searching orders by e-mail address or reference | opens what is sealed | the newest {_many(finding.SCANNED_MAX)} orders; the audit notes each, the monitor counts | as above |
| a person's own data | reads all of their orders | {_often(limits.OWN_DATA_BY_PERSON)} a customer; {_many(persons.ORDERS_MAX)} orders, with more 409 | asked for by a request that is worked on, and fetched later |
| the audit as CSV or NDJSON | as much as {_many(AUDIT_LINES_MAX)} lines | for auditors; {_many(AUDIT_LINES_MAX)} a call, then a cursor; connections of its own | page by page |
| live streams | a queue each | {_API["live_clients_max"]} a replica; {_many(_API["live_queue_max"])} changes wait, then the stream ends; {_lasts(int(_API["live_max_s"] * 1000))} | says when to come back |
| what another policy would have done | plays up to {_many(PLAYED_MAX)} orders | one at a time in a region, in a process of its own that gives way to all others; {simulations.KEPT_MAX} kept, {_lasts(simulations.LONGEST_MS)} | answered at once; asked for later |
| promises kept, by policy | reads what up to {DAYS_MAX} days brought | {_many(COUNTED_MAX)} orders a call, then `more` | as lists |
| labels and papers | a carrier's time, PDFs | {PARCELS_MAX} parcels a shipment, {_many(SLIP_LINES_MAX)} lines a slip, over as many pages as they take; a label is bought once and kept | whoever asks again gets what is kept |
| codes and notices | a mail each | see *Guessing*; {_lasts(one_time_code.ASK_EVERY_MS)} between codes after the first {one_time_code.ASKS_MAX} | done behind the answer |

All of it counts among the {_many(_API["requests_max"])} requests of a replica. An order's updates never wait for any of the rest: lists, searches and the audit have connections of their own, and passwords threads of their own.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + _WAYS + _GUESSING + _sessions() + _BUSINESS + _COSTLY
