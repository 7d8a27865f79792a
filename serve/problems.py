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
    "auth.uncounted": Entry(503, "Tries can't be counted at the moment"),
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
    "privacy.too_many_reservations": Entry(409, "Too many reservations for one call"),
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
    "order.floor_picks": Entry(409, "A floor picks the fulfilment"),
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
    "reservation.unknown": Entry(404, "No such reservation"),
    "reservation.exists": Entry(409, "Reservation exists already"),
    "reservation.not_available": Entry(409, "Not enough stock for the cart"),
    "reservation.expired": Entry(409, "Reservation has expired"),
    "reservation.over": Entry(409, "Reservation is over"),
    "reservation.converted": Entry(409, "Reservation was ordered"),
    "reservation.too_long": Entry(409, "Reservation would last too long"),
    "reservation.too_much": Entry(422, "More than a customer's cart may keep"),
    # Stock and catalogue
    "location.unknown": Entry(404, "No such location"),
    "location.id_invalid": Entry(422, "Location id is not valid"),
    "sku.unknown": Entry(422, "No such SKU"),
    "stock.insufficient": Entry(409, "Not enough stock"),
    "stock.quantity_too_large": Entry(422, "More units than one line may have"),
    "stock.too_much": Entry(422, "More stock than can be kept"),
    "stock.not_allocated": Entry(409, "Units are not allocated"),
    "stock.not_reserved": Entry(409, "Units are not reserved"),
    "stock.lot_required": Entry(422, "Lot is missing"),
    "stock.lot_unknown": Entry(404, "No such lot"),
    "stock.lot_not_kept": Entry(422, "Not kept by lot"),
    "stock.lot_expired": Entry(422, "Lot has expired"),
    "stock.lot_expiry_differs": Entry(409, "Lot has another expiry date"),
    "stock.expiry_required": Entry(422, "Expiry date is missing"),
    "stock.expiry_needs_lot": Entry(422, "Only lots expire"),
    "stock.serials_differ": Entry(422, "Not as many serial numbers as units"),
    "stock.serial_repeated": Entry(422, "Serial number is named twice"),
    "stock.serials_not_kept": Entry(422, "Not kept by serial number"),
    "stock.too_many_lines": Entry(422, "Too many lines"),
    "stock.serial_here": Entry(409, "Serial number is here already"),
    "stock.condition_same": Entry(422, "Condition stays the same"),
    "stock.not_in_bin": Entry(409, "Units are not in the bin"),
    "stock.sku_not_here": Entry(404, "SKU was never here"),
    "layout.too_large": Entry(422, "Too many aisles"),
    "layout.cross_aisles": Entry(422, "Cross aisles are not valid"),
    "layout.too_far": Entry(422, "Place is too far away"),
    "pick_route.too_many_stops": Entry(422, "Too many stops for a route"),
    "floor.full": Entry(409, "Too much in the floor's queue"),
    "floor.work_unknown": Entry(404, "Nothing to be picked for this fulfilment"),
    "floor.due_out_of_range": Entry(422, "Due time is too far away"),
    "floor.not_blocked": Entry(409, "Work is not blocked"),
    "floor.planning_busy": Entry(503, "Another wave is being planned"),
    "floor.too_many_trips": Entry(409, "Too many open trips"),
    "floor.nothing_to_pick": Entry(409, "No trip waits"),
    "floor.not_you": Entry(403, "Trips are claimed for oneself"),
    "floor.picker_required": Entry(422, "Picker is missing"),
    "floor.aisle_repeated": Entry(422, "Aisle is named twice"),
    "floor.trip_unknown": Entry(404, "No such trip"),
    "floor.trip_unclaimed": Entry(409, "Nobody has the trip"),
    "floor.trip_not_yours": Entry(403, "Somebody else has the trip"),
    "floor.trip_paused": Entry(409, "Trip is paused"),
    "floor.has_trip": Entry(409, "Has a trip already"),
    "floor.task_unknown": Entry(404, "No such task"),
    "floor.task_done": Entry(409, "Nothing is left of the task"),
    "floor.wrong_bin": Entry(409, "Wrong bin"),
    "floor.wrong_item": Entry(409, "Wrong article"),
    "floor.wrong_lot": Entry(409, "Wrong lot"),
    "floor.wrong_tote": Entry(409, "Wrong tote"),
    "floor.lot_expired": Entry(409, "Lot has expired"),
    "floor.too_many": Entry(409, "More units than there are to take"),
    "floor.nothing_to_put_back": Entry(409, "Nothing to put back"),
    "floor.dispute_unknown": Entry(404, "Nothing odd was found there"),
    "wave.too_large": Entry(422, "Too much for a wave"),
    "wave.limits": Entry(422, "Limits of a trip are not valid"),
    "wave.cut_off": Entry(422, "Cut-off does not go with the method"),
    "wave.work_twice": Entry(422, "Fulfilment is there twice"),
    "wave.work_invalid": Entry(422, "Fulfilment is not valid"),
    "bins.unknown": Entry(404, "No such bin"),
    "bins.twice": Entry(422, "Bin is named twice"),
    "bins.same": Entry(422, "Bin stays the same"),
    "bins.too_full": Entry(409, "Bin has no room"),
    "bins.too_many": Entry(409, "Too many bins"),
    "bins.not_empty": Entry(409, "Bin is not empty"),
    "count.unknown": Entry(404, "No such count"),
    "count.exists": Entry(409, "Count exists already"),
    "count.location_forbidden": Entry(403, "Not allowed at this location"),
    "count.tolerance_forbidden": Entry(403, "Who may correct stock sets such a tolerance"),
    "count.closed": Entry(409, "Count is closed"),
    "count.spot_invalid": Entry(422, "Spot is not valid"),
    "count.spot_twice": Entry(422, "Spot is named twice"),
    "count.spots_number": Entry(422, "Too many spots for a count"),
    "count.spot_unknown": Entry(404, "Spot is not part of the count"),
    "count.spot_taken": Entry(409, "Another count has the spot"),
    "count.spot_busy": Entry(409, "The location's answer is awaited"),
    "count.spot_settled": Entry(409, "Spot is decided"),
    "count.spot_too_large": Entry(422, "Too many things in one spot"),
    "count.too_many_spots": Entry(409, "Too many spots are being counted"),
    "count.too_many_changes": Entry(409, "Too much changed since it was begun"),
    "count.too_large": Entry(409, "Count has found too many things"),
    "count.not_begun": Entry(409, "Spot was not begun"),
    "count.too_early": Entry(409, "Counted before it was begun"),
    "count.in_future": Entry(422, "Counted in the future"),
    "count.line_twice": Entry(422, "SKU and lot is named twice"),
    "count.sku_elsewhere": Entry(422, "Another SKU is counted here"),
    "count.same_person": Entry(403, "Somebody else has to count"),
    "count.senior_required": Entry(403, "Who may correct stock decides"),
    "transfer.unknown": Entry(404, "No such transfer"),
    "transfer.exists": Entry(409, "Transfer exists already"),
    "transfer.same_location": Entry(422, "A transfer to oneself"),
    "transfer.sku_repeated": Entry(422, "SKU is named twice"),
    "transfer.sku_not_in": Entry(422, "SKU is not part of the transfer"),
    "transfer.expected_in_past": Entry(422, "Expected in the past"),
    "transfer.expected_too_late": Entry(422, "Expected too late"),
    "transfer.expected_at_missing": Entry(422, "Not said when it is expected"),
    "transfer.location_forbidden": Entry(403, "Not allowed at this location"),
    "transfer.illegal_transition": Entry(409, "Step is not allowed now"),
    "transfer.not_waiting": Entry(409, "Transfer waits for no approval"),
    "transfer.not_allocated": Entry(409, "Units are not allocated"),
    "transfer.package_unknown": Entry(404, "No such package"),
    "transfer.package_repeated": Entry(409, "Package is there already"),
    "transfer.package_received": Entry(409, "Package was received"),
    "transfer.package_leaving": Entry(409, "Package has not left the books yet"),
    "transfer.too_many_packages": Entry(422, "Too many packages"),
    "transfer.more_than_sent": Entry(409, "More than was sent"),
    "transfer.nothing_named": Entry(422, "Nothing is named"),
    "transfer.receipts_waiting": Entry(409, "Receipts are being written down"),
    "transfer.books_open": Entry(409, "Something is being written down"),
    "transfer.lost_differs": Entry(409, "Not just what is on the road"),
    "inbound.unknown": Entry(404, "No such inbound"),
    "inbound.exists": Entry(409, "Inbound exists already"),
    "inbound.location_forbidden": Entry(403, "Not allowed at this location"),
    "inbound.closed": Entry(409, "Inbound is closed"),
    "inbound.cancelled": Entry(409, "Inbound is cancelled"),
    "inbound.expected_in_past": Entry(422, "Expected in the past"),
    "inbound.expected_too_late": Entry(422, "Expected too late"),
    "inbound.nothing_named": Entry(422, "Nothing is named"),
    "inbound.lines_number": Entry(422, "Too many lines, or none"),
    "inbound.line_repeated": Entry(422, "Line is named twice"),
    "inbound.line_unknown": Entry(404, "No such line"),
    "inbound.line_received": Entry(409, "Goods of the line have come"),
    "inbound.sku_repeated": Entry(422, "SKU is named twice"),
    "inbound.sku_not_announced": Entry(422, "SKU is in a package and in no line"),
    "inbound.package_exceeds": Entry(422, "More in packages than is announced"),
    "inbound.package_repeated": Entry(422, "Package is named twice"),
    "inbound.package_too_large": Entry(422, "Too many lines in a package"),
    "inbound.too_many_packages": Entry(422, "Too many packages"),
    "inbound.package_unknown": Entry(404, "No such package"),
    "inbound.package_received": Entry(409, "Package was received"),
    "inbound.unexpected": Entry(409, "SKU was not announced"),
    "inbound.over": Entry(409, "More than was announced"),
    "inbound.receipt_too_large": Entry(422, "Too many lines in a receipt"),
    "inbound.too_many_receipts": Entry(409, "Too many receipts"),
    "inbound.nothing_came": Entry(409, "Nothing has come"),
    "inbound.goods_came": Entry(409, "Goods have come"),
    "inbound.shortages_differ": Entry(409, "Not just what has not come"),
    "inbound.books_open": Entry(409, "Something is being written down"),
    "incoming.too_many": Entry(409, "Too many sources are expected"),
    "stock.change_empty": Entry(422, "Line changes nothing"),
    "stock.sku_repeated": Entry(422, "SKU is named twice"),
    "stock.not_divisible": Entry(422, "Not a whole number of this unit"),
    "stock.currency_not_accepted": Entry(422, "Currency is not accepted"),
    "sourcing.policy_invalid": Entry(422, "Sourcing policy is not valid"),
    "sourcing.policy_excludes_all": Entry(422, "No place could ever serve"),
    "sourcing.currency_not_accepted": Entry(422, "Currency is not accepted"),
    "sourcing.calendar_invalid": Entry(422, "Calendar is not valid"),
    "sourcing.lines_too_many": Entry(422, "Too many lines"),
    "sourcing.units_invalid": Entry(422, "Units are not valid"),
    "sourcing.places_too_many": Entry(422, "Too many places"),
    "sourcing.place_twice": Entry(422, "Place is named twice"),
    "catalogue.full": Entry(422, "Catalogue is full"),
    "catalogue.sku_repeated": Entry(422, "SKU is named twice"),
    "catalogue.sku_unknown": Entry(404, "No such SKU"),
    "catalogue.unit_invalid": Entry(422, "Unit of measure is not valid"),
    "catalogue.unit_unknown": Entry(422, "Not counted in this unit"),
    "catalogue.expiry_needs_lots": Entry(422, "Only lots expire"),
    "catalogue.life_needs_expiry": Entry(422, "Shelf life of what does not expire"),
    "catalogue.tracking_fixed": Entry(409, "Tracking can't be changed any more"),
    "catalogue.kit_tracked": Entry(422, "A kit is not tracked"),
    "catalogue.part_unknown": Entry(422, "No such part"),
    "catalogue.part_repeated": Entry(422, "Part is named twice"),
    "catalogue.part_itself": Entry(422, "Part of itself"),
    "catalogue.part_is_kit": Entry(409, "A kit's parts are no kits"),
    "catalogue.part_too_common": Entry(409, "Part of too many kits"),
    "catalogue.currency_not_accepted": Entry(422, "Currency is not accepted"),
    "catalogue.release_out_of_range": Entry(422, "Release is out of range"),
    "history.secret": Entry(403, "History is not told"),
    "claim.unreadable": Entry(404, "A request's claim can't be read"),
    # Bar codes, cartons and papers of parcels
    "barcode.empty": Entry(422, "Bar code is empty"),
    "barcode.too_long": Entry(422, "Bar code is too long"),
    "barcode.brackets": Entry(422, "Brackets are not in their place"),
    "barcode.unknown_identifier": Entry(422, "Application identifier is not known"),
    "barcode.length": Entry(422, "Wrong number of characters"),
    "barcode.not_digits": Entry(422, "Only digits may stand here"),
    "barcode.character": Entry(422, "Character is not allowed"),
    "barcode.check_digit": Entry(422, "Check digit does not fit"),
    "barcode.date": Entry(422, "Date is not valid"),
    "barcode.repeated": Entry(422, "Application identifier is repeated"),
    "barcode.incomplete": Entry(422, "Application identifier is missing"),
    "barcode.contradiction": Entry(422, "Application identifiers exclude each other"),
    "barcode.weight": Entry(422, "Weight is not valid"),
    "sscc.company_prefix": Entry(422, "Company prefix is not valid"),
    "sscc.extension_digit": Entry(422, "Extension digit is not valid"),
    "sscc.exhausted": Entry(409, "Serial references are used up"),
    "packing.nothing_to_pack": Entry(422, "There is nothing to pack"),
    "packing.no_cartons": Entry(409, "There are no cartons"),
    "packing.too_many": Entry(422, "Too much to pack at once"),
    "packing.item_repeated": Entry(422, "SKU is repeated"),
    "packing.carton_repeated": Entry(422, "Carton is repeated"),
    "packing.does_not_fit": Entry(409, "There is no carton for it"),
    "customs.nothing_declared": Entry(422, "No goods are declared"),
    "customs.same_country": Entry(422, "Parcel stays in its country"),
    "customs.reason_missing": Entry(422, "Reason for export is missing"),
    "customs.currencies": Entry(422, "More than one currency"),
    "customs.weights": Entry(422, "Weights contradict each other"),
    "customs.value": Entry(422, "Value is too large"),
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
