"""Ids of entities. Anyone who reads one knows its cell.

Order:     us-01jd3k8v9r7h3k2m9qk4t1x0ab    region, 10 characters of time (ms), 16 of the idempotency key's hash
Location:  us-wh-seattle                    region, then whatever the retailer calls it
Floor:     us-wh-seattle                    its location's
Catalogue: us-catalogue                     one per cell
Account:   us-acct-0h3k2m9qk4t1x0ab0h3k2m9qk4   region, 26 characters of the login name's keyed hash
Customer:  us-cust-0h3k2m9qk4t1x0ab0h3k2m9qk4   region, 26 characters of the e-mail address's keyed hash
Notice:    us-notice-0h3k2m9qk4t1x0ab0h3k2m9qk4 region, 26 random characters
Alert:     us-alert-01jd3k8v9r7h3k2m9qk4t1x0ab  region, 10 characters of time (ms), 16 of what was found
Reservation: us-resv-01jd3k8v9r7h3k2m9qk4t1x0ab region, 10 characters of time (ms), 16 of the idempotency key's hash
Approval:  us-approval-01jd3k8v9r7h3k2m9qk4t1x0ab   region, 10 characters of time (ms), 16 of the idempotency key's hash
Data key:  us-key-0h3k2m9qk4t1x0ab0h3k2m9qk4    region, 26 random characters
Breach:    us-breach-01jd3k8v9r7h3k2m9qk4t1x0ab region, 10 characters of time (ms), 16 of the idempotency key's hash
Client:    us-client-erp-bridge             region, then the name that the retailer gives the machine
Privacy:   us-privacy-01jd3k8v9r7h3k2m9qk4t1x0ab   region, 10 characters of time (ms), 16 of the idempotency key's hash
Consent:   us-consent-0h3k2m9qk4t1x0ab0h3k2m9qk4 region, 26 characters of the person's keyed digest
Device:    us-device-01jd3k8v9r7h3k2m9qk4t1x0ab region, 10 characters of time (ms), 16 of the idempotency key's hash
Count:     us-count-01jd3k8v9r7h3k2m9qk4t1x0ab  region, 10 characters of time (ms), 16 of the idempotency key's hash
Transfer:  us-transfer-01jd3k8v9r7h3k2m9qk4t1x0ab   region, 10 characters of time (ms), 16 of the idempotency key's hash
Inbound:   us-inbound-01jd3k8v9r7h3k2m9qk4t1x0ab   region, 10 characters of time (ms), 16 of the idempotency key's hash
Shipment:  us-shipment-01jd3k8v9r7h3k2m9qk4t1x0ab.1   of a fulfilment: its order's and its number; without a number, a manual one: made as a transfer's
Manifest:  us-wh-seattle.post               its location's, and the carrier
SSCCs:     us-sscc-0-9521234                region, extension digit and company prefix
Collection: us-collection-01jd3k8v9r7h3k2m9qk4t1x0ab   region, 10 characters of time (ms), 16 of the hash of what is collected
Revocations: us-revocations                 one per cell
Policies:  us-sourcing                      one per cell
Simulations: us-simulations                 one per cell; each in it: us-whatif-01jd3k8v9r7h3k2m9qk4t1x0ab, made as a count's

The last 16 characters of an order id come from the key of the call that placed it, so that a repeated placement goes to
the same shard (`routing_part`) whatever time it is repeated at, and meets the memory of the first one there. The same
with an approval's, a device's, a breach's and a privacy request's.
"""

from __future__ import annotations

import hashlib
import re

ORDER_UNIQUE_CHARS = 16
ORDER_TIME_CHARS = 10
ACCOUNT_CHARS = 26
# By so many of the last characters orders are sampled.
SAMPLE_CHARS = 6
_ACCOUNT_BYTES = 16
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: sorts as its value does, no i, l, o, u
# The end of a text: `$` lets a line feed behind it pass, and JavaScript, which reads patterns in the API's document,
# knows no `\Z`.
END = r"(?![\s\S])"
REGION_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}" + END)
ORDER_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-[0-9a-hjkmnp-tv-z]{26}" + END)
ALERT_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-alert-[0-9a-hjkmnp-tv-z]{26}" + END)
APPROVAL_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-approval-[0-9a-hjkmnp-tv-z]{26}" + END)
RESERVATION_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-resv-[0-9a-hjkmnp-tv-z]{26}" + END)
BREACH_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-breach-[0-9a-hjkmnp-tv-z]{26}" + END)
NOTICE_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-notice-[0-9a-hjkmnp-tv-z]{26}" + END)
ACCOUNT_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-acct-[0-9a-hjkmnp-tv-z]{26}" + END)
CLIENT_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-client-[a-z0-9][a-z0-9-]{0,40}" + END)
PRIVACY_REQUEST_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-privacy-[0-9a-hjkmnp-tv-z]{26}" + END)
CUSTOMER_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-cust-[0-9a-hjkmnp-tv-z]{26}" + END)
DEVICE_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-device-[0-9a-hjkmnp-tv-z]{26}" + END)
TRANSFER_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-transfer-[0-9a-hjkmnp-tv-z]{26}" + END)
INBOUND_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-inbound-[0-9a-hjkmnp-tv-z]{26}" + END)
SHIPMENT_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-shipment-[0-9a-hjkmnp-tv-z]{26}([.][1-9][0-9]{0,5})?" + END)
CARRIER_PATTERN = re.compile(r"^[a-z][a-z0-9]{0,23}" + END)
COLLECTION_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-collection-[0-9a-hjkmnp-tv-z]{26}" + END)
COUNT_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-count-[0-9a-hjkmnp-tv-z]{26}" + END)
LOCATION_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-[a-z0-9][a-z0-9-]{0,62}" + END)
# Of any kind: a location's is the widest; shipments have a number after it, manifests a carrier.
ANY_PATTERN = re.compile(r"^[a-z][a-z0-9]{1,15}-[a-z0-9][a-z0-9-]{0,62}([.][a-z0-9]{1,24})?" + END)


# Kinds whose ids end in the hash of the key of the call that made them.
_BY_KEY = frozenset(
    {
        "order",
        "reservation",
        "approval",
        "device",
        "breach",
        "privacy_request",
        "transfer",
        "count",
        "inbound",
        "shipment",
        "collection",
    }
)
# Two characters at a time.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def _base32(value: int, chars: int) -> str:
    """The last `chars` (an even number) digits of the value."""
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(5 * chars - 10, -1, -10)])


def new_order_id(region: str, now_ms: int, idempotency_key: str) -> str:
    """An order id: sorts by `now_ms` (UTC ms), unique by the key."""
    return f"{region}-{_timed(now_ms, idempotency_key)}"


def reservation_id(region: str, now_ms: int, idempotency_key: str) -> str:
    """A reservation's id: sorts by `now_ms` (UTC ms), unique by the key."""
    return f"{region}-resv-{_timed(now_ms, idempotency_key)}"


def first_reservation_id(region: str, now_ms: int) -> str:
    """No reservation that is made from then on (UTC ms) has an id that sorts before this."""
    return f"{region}-resv-{_base32(now_ms, ORDER_TIME_CHARS)}"


def first_shipment_id(region: str, now_ms: int) -> str:
    """No shipment whose order, or which itself as a manual one, is made from then on (UTC ms) has an id
    that sorts before this."""
    return f"{region}-shipment-{_base32(now_ms, ORDER_TIME_CHARS)}"


def approval_id(region: str, now_ms: int, idempotency_key: str) -> str:
    """An approval's id: sorts by `now_ms` (UTC ms), unique by the key."""
    return f"{region}-approval-{_timed(now_ms, idempotency_key)}"


def breach_id(region: str, now_ms: int, idempotency_key: str) -> str:
    """A breach's id: sorts by `now_ms` (UTC ms), unique by the key."""
    return f"{region}-breach-{_timed(now_ms, idempotency_key)}"


def privacy_request_id(region: str, now_ms: int, idempotency_key: str) -> str:
    """A privacy request's id: sorts by `now_ms` (UTC ms), unique by the key."""
    return f"{region}-privacy-{_timed(now_ms, idempotency_key)}"


def transfer_id(region: str, now_ms: int, idempotency_key: str) -> str:
    """A transfer's id: sorts by `now_ms` (UTC ms), unique by the key."""
    return f"{region}-transfer-{_timed(now_ms, idempotency_key)}"


def approval_of(transfer_id: str) -> str:
    """The id of the approval that a transfer asks for: on the same shard."""
    region, _, unique = transfer_id.split("-")
    return f"{region}-approval-{unique}"


def count_id(region: str, now_ms: int, idempotency_key: str) -> str:
    """A cycle count's id: sorts by `now_ms` (UTC ms), unique by the key."""
    return f"{region}-count-{_timed(now_ms, idempotency_key)}"


def inbound_id(region: str, now_ms: int, idempotency_key: str) -> str:
    """An inbound's id: sorts by `now_ms` (UTC ms), unique by the key."""
    return f"{region}-inbound-{_timed(now_ms, idempotency_key)}"


def shipment_id(region: str, now_ms: int, idempotency_key: str) -> str:
    """A manual shipment's id: sorts by `now_ms` (UTC ms), unique by the key."""
    return f"{region}-shipment-{_timed(now_ms, idempotency_key)}"


def shipment_of(order_id: str, number: int) -> str:
    """The id of the shipment of an order's fulfilment: there is never another."""
    region, _, unique = order_id.partition("-")
    return f"{region}-shipment-{unique}.{number}"


def order_shipped(shipment_id: str) -> str:
    """The id of the order of which it is a shipment; "" for a manual one."""
    region, _, unique = shipment_id.partition("-shipment-")
    order, of_order, _ = unique.partition(".")
    return f"{region}-{order}" if of_order else ""


def dock_id(location_id: str, carrier: str) -> str:
    """The id of what keeps a location's manifests of a carrier."""
    return f"{location_id}.{carrier}"


def sscc_series_id(region: str, company_prefix: str, extension_digit: int) -> str:
    """The id of what counts the SSCCs of a company prefix."""
    return f"{region}-sscc-{extension_digit}-{company_prefix}"


def collection_id(region: str, now_ms: int, what: str) -> str:
    """A collection's id: sorts by `now_ms` (UTC ms). what: "<order id>.<fulfilment>", the first of it."""
    return f"{region}-collection-{_timed(now_ms, what)}"


def consent_id(region: str, person: str) -> str:
    """The id of a person's consents. `person`: keyed digest of who it is, as hex."""
    return f"{region}-consent-{_digits(bytes.fromhex(person))}"


def device_id(region: str, now_ms: int, idempotency_key: str) -> str:
    """A device's id: sorts by `now_ms` (UTC ms), unique by the key."""
    return f"{region}-device-{_timed(now_ms, idempotency_key)}"


def _timed(now_ms: int, unique_by: str) -> str:
    unique = int.from_bytes(hashlib.blake2b(unique_by.encode(), digest_size=10).digest(), "big")
    return f"{_base32(now_ms, ORDER_TIME_CHARS)}{_base32(unique, ORDER_UNIQUE_CHARS)}"


def claim_id(region: str, idempotency_key: str) -> str:
    """The id of the entity that remembers a request of many parts."""
    unique = int.from_bytes(hashlib.blake2b(idempotency_key.encode(), digest_size=10).digest(), "big")
    return f"{region}-req-{_base32(unique, ORDER_UNIQUE_CHARS)}"


def catalogue_id(region: str) -> str:
    """The id of the cell's one catalogue."""
    return f"{region}-catalogue"


def account_id(region: str, login_digest: bytes) -> str:
    """The id of the account behind a login name. `login_digest`: the name's keyed hash, of which the first 16 bytes
    count; the name itself stands nowhere."""
    return f"{region}-acct-{_digits(login_digest)}"


def customer_id(region: str, email_digest: bytes) -> str:
    """The id of the customer behind an e-mail address, made as an account's."""
    return f"{region}-cust-{_digits(email_digest)}"


def guest_of(order_id: str, email_digest: str) -> str:
    """Who follows an order as a guest: whoever reads the mailbox that it was placed with. Once the order has another
    address (`email_digest`), that is somebody else. Of two orders of one mailbox the two have nothing in common."""
    mark = hashlib.blake2b(f"{order_id}\0{email_digest}".encode(), digest_size=8).hexdigest()
    return f"{order_id}.{mark}"


def alert_id(region: str, began_ms: int, found: str) -> str:
    """An alert's id: sorts by `began_ms` (UTC ms); the same for the same finding."""
    return f"{region}-alert-{_timed(began_ms, found)}"


def notice_id(region: str, random: bytes) -> str:
    """The id of a new notice."""
    return f"{region}-notice-{_digits(random)}"


def data_key_id(region: str, random: bytes) -> str:
    """The id of a new data key."""
    return f"{region}-key-{_digits(random)}"


def _digits(digest: bytes) -> str:
    assert len(digest) >= _ACCOUNT_BYTES, "a digest of fewer than 128 bits lets names collide"
    return _base32(int.from_bytes(digest[:_ACCOUNT_BYTES], "big"), ACCOUNT_CHARS)


def client_id(region: str, name: str) -> str:
    """The id of a machine client; see CLIENT_PATTERN for what a name may be."""
    return f"{region}-client-{name}"


def revocations_id(region: str) -> str:
    """The id of the cell's one list of revoked sessions."""
    return f"{region}-revocations"


def sourcing_policies_id(region: str) -> str:
    """The id of the cell's one set of sourcing policies."""
    return f"{region}-sourcing"


def order_time_ms(order_id: str) -> int:
    """When the order of that id (or of that fulfilment's id) was placed, UTC ms; 0 of an id that does not say."""
    digits = order_id.partition("-")[2][:ORDER_TIME_CHARS]
    value = 0
    for digit in digits:
        found = _ALPHABET.find(digit)
        if found < 0:
            return 0
        value = value << 5 | found
    return value if len(digits) == ORDER_TIME_CHARS else 0


def simulations_id(region: str) -> str:
    """The id of the cell's one set of what-ifs."""
    return f"{region}-simulations"


def simulation_id(region: str, now_ms: int, idempotency_key: str) -> str:
    """A what-if's id: sorts by `now_ms` (UTC ms), unique by the key."""
    return f"{region}-whatif-{_timed(now_ms, idempotency_key)}"


def first_order_id(region: str, at_ms: int) -> str:
    """Orders that were placed from that moment (UTC ms) on have this id or a higher one."""
    return f"{region}-{_base32(at_ms, ORDER_TIME_CHARS)}"


def sample_end(wanted: int, of: int) -> str:
    """Of so many orders about `wanted` have ids whose last characters come before this. It is the same orders each
    time, and of a larger sample they are part."""
    return _base32((wanted << 5 * SAMPLE_CHARS) // of, SAMPLE_CHARS)


def region_of(entity_id: str) -> str:
    """The region that an id names (the text before the first `-`), "" when there is none."""
    head, dash, _ = entity_id.partition("-")
    return head if dash else ""


def is_of(entity_id: str, pattern: re.Pattern[str], region: str) -> bool:
    """Can it be the id of an entity of that kind (its pattern) and region?"""
    return pattern.fullmatch(entity_id) is not None and entity_id.startswith(f"{region}-")


def routing_part(kind: str, entity_id: str) -> str:
    """The part of an id that decides its shard. Stable for ever."""
    return entity_id[-ORDER_UNIQUE_CHARS:] if kind in _BY_KEY else entity_id
