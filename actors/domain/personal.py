"""What the code says of its own personal data: the register of processing (GDPR Art. 30) is made from it.

    email: Annotated[EmailText, Personal("contact", "orders", …)]      beside the field's type, where the field is declared
      └──▶ serve/processing.py ──▶ docs/privacy/processing.md

A pseudonym is personal data as well (GDPR Art. 4(5), recital 26): a keyed digest, or an id that stands for one person.
Decoders and encoders look past these objects: msgspec passes over metadata of other libraries, so a
field costs what it did before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

Category = Literal[
    "name", "contact", "address", "position", "nearness", "order", "purchase", "sealed", "pseudonym", "credential", "session", "conduct", "case",
    "message", "note",
]  # fmt: skip
CATEGORIES: Mapping[Category, str] = {
    "name": "names",
    "contact": "e-mail addresses and phone numbers",
    "address": "postal addresses",
    "position": "geographic positions of addresses",
    "nearness": "which of the retailer's places are near to an address, by their order or how long it takes from there",
    "order": "references of orders and customers that the retailer gave",
    "purchase": "what somebody bought, and for how much",
    "sealed": "everything that is sealed of an order: each of the fields of `serve.orders.private.Private`",
    "pseudonym": "ids and keyed digests that stand for one person",
    "credential": "what somebody signs in by",
    "session": "sessions, and the devices that they run on",
    "conduct": "what somebody did with the system, and when",
    "case": "descriptions of single cases, in words",
    "message": "words that somebody gives with a present",
    "note": "words that staff write for each other, or for customs, about an order or a parcel",
}

Persons = Literal["customers", "recipients", "staff"]

Basis = Literal["contract", "legal_obligation", "legitimate_interests"]
BASES: Mapping[Basis, str] = {
    "contract": "GDPR Art. 6(1)(b), LGPD Art. 7 V: the contract with the customer",
    "legal_obligation": "GDPR Art. 6(1)(c), LGPD Art. 7 II: a legal obligation",
    "legitimate_interests": "GDPR Art. 6(1)(f), LGPD Art. 7 IX: legitimate interests",
}


class PurposeOf(NamedTuple):
    """What a purpose is, whose data it takes, on which legal basis, and who is told of it outside
    of the cell ("nobody")."""

    title: str
    persons: tuple[Persons, ...]
    basis: Basis
    recipients: str


Purpose = Literal[
    "orders", "customer_access", "notices", "staff_access", "audit", "misuse", "approvals", "privacy", "breaches"
]
PURPOSES: Mapping[Purpose, PurposeOf] = {
    "orders": PurposeOf(
        "Taking orders, allocating stock to them, carrying them out",
        ("customers", "recipients"),
        "contract",
        "the retailer's locations that pick and ship; who carries the parcel, by the retailer's systems",
    ),
    "customer_access": PurposeOf(
        "Letting customers and guests follow and cancel their own orders", ("customers",), "contract", "nobody"
    ),
    "notices": PurposeOf(
        "Sending codes to customers and guests", ("customers",), "contract", "who delivers the retailer's messages"
    ),
    "staff_access": PurposeOf(
        "Letting staff in, by passwords and second factors, as far as their roles go",
        ("staff",),
        "legitimate_interests",
        "nobody",
    ),
    "audit": PurposeOf(
        "Proving who did, read or was refused what", ("staff", "customers"), "legitimate_interests",
        "auditors whom the retailer names, by exports; the system that keeps a copy of the audit, where there is one: ids and digests",
    ),
    "misuse": PurposeOf(
        "Finding misuse of accounts, and stopping it",
        ("staff", "customers"),
        "legitimate_interests",
        "who runs the retailer's alerts, by webhook: ids only",
    ),
    "approvals": PurposeOf(
        "Having large changes decided by a second person", ("staff",), "legitimate_interests", "nobody"
    ),
    "privacy": PurposeOf(
        "Answering people's requests about their data: access, correction, restriction, erasure, objection",
        ("customers", "staff"),
        "legal_obligation",
        "whoever asks about his own data; authorities that supervise, on demand",
    ),
    "breaches": PurposeOf(
        "Recording personal data breaches and telling of them",
        ("customers", "recipients", "staff"),
        "legal_obligation",
        "authorities that supervise; the people concerned",
    ),
}  # fmt: skip

Keep = Literal[
    "request",
    "erasure",
    "papers",
    "visit",
    "shelf",
    "packing",
    "account",
    "session",
    "revoked",
    "order",
    "pointer",
    "notice",
    "sent",
    "audit",
    "alert",
    "approval",
    "privacy_request",
    "code",
    "five_years",
]
KEEPS: Mapping[Keep, str] = {
    "request": "while the request is answered; not stored by this field",
    "erasure": "until it is erased: the data key is destroyed, after which no copy anywhere can be read",
    "papers": "until it is erased, and no longer than `[packing] papers_keep_days`, 30 unless configured, after all of its shipment is with the carrier; never in the history",
    "visit": "until the collection at the store is over; never in the history",
    "shelf": "until the customer has the goods, or a week after the collection has ended otherwise, at the latest until the person is erased; never in the history",
    "packing": "until all of its shipment is with the carrier, or it is stopped; never in the history",
    "order": "as long as the order; no term is set by the system",
    "pointer": "as long as the order, but taken out of its state and row when the person is erased; its history keeps the digest",
    "notice": "as long as the message's row; no term is set by the system",
    "account": "as long as the account exists",
    "session": "until the session ends: of staff after 12 hours at the latest, of customers after 30 days",
    "revoked": "until a day after the session would have ended by itself, the newest entry of a cell until there is another one; that it was revoked stays in the history, for which no term is set by the system",
    "sent": "until the message is sent, or not worth sending any more (codes: ten minutes), then emptied",
    "audit": "as long as the audit: `[audit] keep_days`, 1,097 days unless configured, longer while a hold is placed",
    "alert": "as long as the alert; no term is set by the system",
    "approval": "as long as the approval; no term is set by the system",
    "privacy_request": "as long as the request, which is the proof that it was answered; no term is set by the system",
    "code": "until the code is used or another one takes its place; good for minutes",
    "five_years": "no term is set by the system; five years at least (Resolution CD/ANPD 15/2024, Art. 10; GDPR Art. 33(5))",
}

Protection = Literal["data_key", "cell_key", "keyed_digest", "hash", "public_key", "random_id", "rights"]
PROTECTIONS: Mapping[Protection, str] = {
    "data_key": "sealed (AES-256-GCM) under a key of that customer's own, itself wrapped by the region's key",
    "cell_key": "sealed (AES-256-GCM) under the cell's sealing key",
    "keyed_digest": "only a keyed digest (HMAC-SHA-256) is kept",
    "hash": "only a hash is kept: argon2id of passwords, SHA-256 of random codes",
    "public_key": "only a public key is kept",
    "random_id": "an id that tells nothing of the person by itself",
    "rights": "readable by who has the right to; encrypted on the way",
}


class Personal(msgspec.Struct, frozen=True):
    """The note of one field. category: what it tells; purpose: what for, which says the legal basis, the persons and
    the recipients; keep: for how long; protection: how it lies there."""

    category: Category
    purpose: Purpose
    keep: Keep
    protection: Protection

    @property
    def basis(self) -> Basis:
        """Why it may be processed."""
        return PURPOSES[self.purpose].basis
