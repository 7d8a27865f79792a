"""Problem details (RFC 9457): the one table of codes, and how a refusal becomes an HTTP answer.

    Problem            anything that a caller is told with a 4xx or 5xx, by its code in TABLE
      (raised by handlers; refusals of the domain and the runtime become one by `of_refusal`)

A body is `{"type":"urn:ocefs:problem:<code>","title","status","detail","code","request_id", …facts…, "errors":[{"pointer","detail"}]}`.
`errors` name the places: `pointer` (RFC 6901) in the body, `parameter` in the query or path, or `header`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from actors.domain.errors import RefusalBody

CONTENT_TYPE = b"application/problem+json"
RETRY_AFTER_S = 1
# An HTTP answer: status, body, headers besides content type and length.
Answer = tuple[int, bytes, tuple[tuple[bytes, bytes], ...]]


class Entry(NamedTuple):
    """How a code is answered."""

    status: int
    title: str


TABLE: dict[str, Entry] = {
    # The request itself
    "request.route_unknown": Entry(404, "No such resource"),
    "request.method_not_allowed": Entry(405, "Method not allowed"),
    "request.content_type": Entry(415, "Body must be JSON"),
    "request.malformed": Entry(400, "Not valid HTTP"),
    "request.headers_too_large": Entry(431, "Headers are too large"),
    "request.parameter_invalid": Entry(422, "Parameter is not valid"),
    "request.fault": Entry(500, "Internal error"),
    "body.too_large": Entry(413, "Body is too large"),
    "body.too_slow": Entry(408, "Body did not arrive in time"),
    "body.not_utf8": Entry(400, "Body is not UTF-8"),
    "body.malformed_json": Entry(400, "Body is not JSON"),
    "body.unknown_field": Entry(422, "Unknown field"),
    "body.missing_field": Entry(422, "Field is missing"),
    "body.invalid": Entry(422, "Field is not valid"),
    "idempotency.key_missing": Entry(400, "Idempotency-Key is missing"),
    "idempotency.key_invalid": Entry(400, "Idempotency-Key is not valid"),
    "idempotency.key_reused": Entry(422, "Idempotency-Key was used for another request"),
    "cursor.invalid": Entry(400, "Cursor is not valid"),
    "payment.pan_refused": Entry(422, "Card numbers are not taken"),
    # Who
    "auth.token_missing": Entry(401, "Not signed in"),
    "auth.token_invalid": Entry(401, "Token is not good"),
    "auth.session_ended": Entry(401, "Session has ended"),
    "auth.step_up_required": Entry(401, "A fresh proof is needed"),
    "auth.forbidden": Entry(403, "Not allowed"),
    "auth.location_forbidden": Entry(403, "Not allowed at this location"),
    "auth.unavailable": Entry(503, "Signing in is not possible at the moment"),
    "auth.busy": Entry(429, "Too many people sign in"),
    "auth.too_often": Entry(429, "Tried too often"),
    "session.refused": Entry(401, "Sign-in refused"),
    "session.factor_missing": Entry(403, "No second factor yet"),
    "session.ended": Entry(401, "Session has ended"),
    "factor.code_wrong": Entry(422, "Code does not fit"),
    "factor.request_invalid": Entry(422, "Enrolment is not valid"),
    "passkey.invalid": Entry(422, "Passkey is not valid"),
    "passkey.challenge_spent": Entry(409, "Challenge was answered already"),
    "passkey.exists": Entry(409, "Passkey exists already"),
    "passkey.too_many": Entry(409, "Too many passkeys"),
    "passkey.unknown": Entry(404, "No such passkey"),
    "passkey.last_factor": Entry(409, "Last second factor"),
    "passkey.suspect": Entry(403, "Passkey may have been copied"),
    "password.weak": Entry(422, "Password is too weak"),
    "password.wrong": Entry(422, "Password is wrong"),
    "account.exists": Entry(409, "Account exists already"),
    "account.unknown": Entry(404, "No such account"),
    "account.role_unknown": Entry(422, "No such role"),
    "account.changed": Entry(409, "Account was changed meanwhile"),
    "account.beyond_rights": Entry(403, "More rights than one's own"),
    "client.scope_forbidden": Entry(422, "Not for machines"),
    "account.factor_exists": Entry(409, "There is a second factor already"),
    "account.location_not_allowed": Entry(403, "Not allowed at this location"),
    "client.exists": Entry(409, "Client exists already"),
    "client.unknown": Entry(404, "No such client"),
    "client.scope_unknown": Entry(422, "No such scope"),
    "client.refused": Entry(401, "Machine refused"),
    "device.unknown": Entry(404, "No such device"),
    "device.exists": Entry(409, "Device exists already"),
    "device.revoked": Entry(409, "Device was revoked"),
    "device.moved": Entry(409, "Device was moved meanwhile"),
    "device.too_many_codes": Entry(409, "Too many codes"),
    "device.key_invalid": Entry(422, "Key is not valid"),
    "device.scope_forbidden": Entry(422, "Not for devices"),
    "device.beyond_rights": Entry(403, "More rights than one's own"),
    "device.elsewhere": Entry(403, "Device is of another location"),
    "code.refused": Entry(401, "Code refused"),
    "email.invalid": Entry(422, "E-mail address is not valid"),
    "email.not_kept": Entry(422, "E-mail addresses are not kept here"),
    "person.not_kept": Entry(422, "Names, streets and phones are not kept here"),
    "customer.unknown": Entry(404, "No such customer"),
    "guest.unreadable": Entry(404, "A guest can't be read"),
    "notice.exists": Entry(409, "Notice exists already"),
    "notice.unknown": Entry(404, "No such notice"),
    "notice.unreadable": Entry(404, "A notice can't be read"),
    "alert.unknown": Entry(404, "No such alert"),
    "alert.illegal_transition": Entry(409, "Step is not allowed now"),
    "alert.own": Entry(403, "An alert about oneself"),
    "approval.unknown": Entry(404, "No such approval"),
    "approval.exists": Entry(409, "Approval exists already"),
    "approval.location_forbidden": Entry(403, "Not allowed at this location"),
    "approval.person_required": Entry(403, "Only for people"),
    "approval.same_person": Entry(403, "Who asks may not decide"),
    "approval.not_yours": Entry(403, "Somebody else asked"),
    "approval.expired": Entry(409, "Not decided in time"),
    "approval.illegal_transition": Entry(409, "Step is not allowed now"),
    "privacy.unknown": Entry(404, "No such request"),
    "privacy.exists": Entry(409, "Request exists already"),
    "privacy.closed": Entry(409, "Request is closed"),
    "privacy.right_not_of_law": Entry(422, "No right by this law"),
    "privacy.identity_unconfirmed": Entry(409, "It is not known yet who asks"),
    "privacy.no_agent": Entry(409, "No agent asks"),
    "privacy.step_not_of_right": Entry(409, "Step is not part of the right"),
    "privacy.step_not_begun": Entry(409, "Step was not begun"),
    "privacy.too_many_steps": Entry(409, "Too many steps"),
    "privacy.nothing_done": Entry(409, "Nothing was done yet"),
    "privacy.no_extension": Entry(409, "No extension by this law"),
    "privacy.extended_already": Entry(409, "Extended already"),
    "privacy.extension_late": Entry(409, "Too late for an extension"),
    "privacy.orders_under_way": Entry(409, "Orders are under way"),
    "privacy.person_ambiguous": Entry(409, "Others would be concerned"),
    "privacy.too_many_orders": Entry(409, "Too many orders for one call"),
    "privacy.order_of_another": Entry(404, "Not an order of this person"),
    "privacy.no_request": Entry(403, "No confirmed request for this"),
    "consent.too_many_changes": Entry(409, "Too many changes"),
    "consent.signal_in_force": Entry(409, "The browser's signal says no"),
    "breach.unknown": Entry(404, "No such breach"),
    "breach.exists": Entry(409, "Breach exists already"),
    "breach.closed": Entry(409, "Breach is closed"),
    "breach.duties_left": Entry(409, "Something is still to be done"),
    "breach.too_many_steps": Entry(409, "Too many steps of this kind"),
    "breach.moment_invalid": Entry(422, "Moment is not possible"),
    "breach.delay_unexplained": Entry(422, "Delay needs a reason"),
    "revocations.full": Entry(503, "Too many ended sessions"),
    # Keys of what is sealed at rest
    "keys.unavailable": Entry(503, "Keys are not available at the moment"),
    "keys.unreadable": Entry(500, "Sealed data can't be opened"),
    "data_key.exists": Entry(409, "Key exists already"),
    "data_key.unknown": Entry(404, "No such key"),
    "data_key.destroyed": Entry(409, "Key was destroyed"),
    # Where
    "region.misdirected": Entry(421, "Another region serves this"),
    "country.not_served": Entry(422, "Country is not served"),
    # Orders
    "order.unknown": Entry(404, "No such order"),
    "order.under_way": Entry(409, "Order is under way"),
    "order.identity_fixed": Entry(422, "The person's key is found by this"),
    "order.person_erased": Entry(409, "Person was erased"),
    "order.exists": Entry(409, "Order exists already"),
    "order.illegal_transition": Entry(409, "Step is not allowed now"),
    "order.fulfilment_unknown": Entry(422, "No such fulfilment"),
    "order.fulfilment_required": Entry(422, "Fulfilment must be named"),
    "order.short_pick_too_much": Entry(422, "More is missing than was to be picked"),
    "order.currency_not_accepted": Entry(422, "Currency is not accepted"),
    "order.location_forbidden": Entry(403, "Not allowed at this location"),
    "order.customer_ref_not_allowed": Entry(422, "Customers name no reference"),
    "order.mixed_currencies": Entry(422, "An order has one currency"),
    "order.coordinates_incomplete": Entry(422, "lat and lon go together"),
    "update.occurred_at_out_of_range": Entry(422, "occurred_at is too old or in the future"),
    "update.lines_required": Entry(422, "Lines must be given"),
    "update.lines_not_allowed": Entry(422, "Lines are not part of this update"),
    # Stock and catalogue
    "location.unknown": Entry(404, "No such location"),
    "location.id_invalid": Entry(422, "Location id is not valid"),
    "sku.unknown": Entry(422, "No such SKU"),
    "stock.insufficient": Entry(409, "Not enough stock"),
    "stock.too_much": Entry(422, "More stock than can be kept"),
    "stock.not_reserved": Entry(409, "Units are not reserved"),
    "stock.change_empty": Entry(422, "Line changes nothing"),
    "stock.currency_not_accepted": Entry(422, "Currency is not accepted"),
    "catalogue.full": Entry(422, "Catalogue is full"),
    "catalogue.sku_repeated": Entry(422, "SKU is named twice"),
    "history.secret": Entry(403, "History is not told"),
    "claim.unreadable": Entry(404, "A request's claim can't be read"),
    # The cell
    "cell.busy": Entry(429, "Too many requests"),
    "cell.unavailable": Entry(503, "Not available at the moment"),
    "cell.write_behind_full": Entry(503, "Writing behind has no room left"),
    "cell.store_unavailable": Entry(503, "Lists are not available at the moment"),
    "cell.fault": Entry(500, "Internal error"),
    "audit.unavailable": Entry(503, "The audit takes nothing at the moment"),
    "trail.unreadable": Entry(404, "A trail can't be read"),
    "live.too_many": Entry(429, "Too many live streams"),
}
_RETRYABLE = frozenset({429, 503})
_encode = msgspec.json.Encoder().encode
_decode_refusal = msgspec.json.Decoder(RefusalBody).decode


class Problem(Exception):
    """An answer other than success. `extra` become members of the body; `errors` say where."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        extra: Mapping[str, Any] | None = None,
        errors: Iterable[Mapping[str, str]] = (),
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.extra = dict(extra) if extra else {}
        self.errors = list(errors)
        self.headers = headers
        # An entity refused it and keeps that with its turn.
        self.remembered = False

    @property
    def status(self) -> int:
        """The HTTP status."""
        return TABLE[self.code].status

    def members(self, request_id: str) -> dict[str, Any]:
        """The body as a JSON object. A fact with a standard member's name is told with its noun: `order_status`."""
        status, title = TABLE[self.code]
        members: dict[str, Any] = {
            "type": f"urn:ocefs:problem:{self.code}",
            "title": title,
            "status": status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        if self.errors:
            members["errors"] = self.errors
        for name, value in self.extra.items():
            members[f"{self.code.partition('.')[0]}_{name}" if name in members else name] = value
        return members

    def body(self, request_id: str) -> bytes:
        """The body as JSON."""
        return _encode(self.members(request_id))

    def answer(self, request_id: str) -> Answer:
        """The whole answer."""
        headers = self.headers
        status = self.status
        if status in _RETRYABLE and all(name != b"retry-after" for name, _ in headers):
            headers = (*headers, (b"retry-after", b"%d" % RETRY_AFTER_S))
        return status, self.body(request_id), headers


def field_problem(code: str, detail: str, pointer: str, **extra: Any) -> Problem:
    """A problem of one field of the body."""
    return Problem(code, detail, extra=extra, errors=[{"pointer": pointer, "detail": detail}])


def of_refusal(body: bytes) -> Problem:
    """The problem that a reply other than OK tells of. A code that the table lacks is a fault of ours."""
    refusal = _decode_refusal(body)
    if refusal.code not in TABLE:
        return Problem("request.fault", "The cell refused for a reason that the API does not know.")
    problem = Problem(refusal.code, refusal.detail, extra=refusal.extra)
    # Where there is nothing, nothing is remembered.
    problem.remembered = not refusal.code.endswith(".unknown")
    return problem


def escaped(token: str) -> str:
    """One token of a JSON pointer."""
    return token.replace("~", "~0").replace("/", "~1")
