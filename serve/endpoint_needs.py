"""What each endpoint asks of its caller: one declaration for each. Who has which permission is in `permissions.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Need(NamedTuple):
    """What an endpoint asks of its caller.

    permission: one of `permissions.PERMISSIONS`; "" for an endpoint that anyone signed in may use, None
    for one that is open to all.
    at_location: the caller's rights must reach the location in the path. step_up: the second factor must be fresh, of
    customers the session. reads: the audit's name for reading personal data by it: written down before it is answered;
    by the handler when it is `counted`, with how much is told, or only where something is. own: the permission that
    suffices for what is the caller's own; whose it is, the entity judges. attended: it shows that somebody is there,
    for whom a session stays open (`identity/activity.py`); False for what pages ask by themselves.
    """

    permission: str | None
    at_location: bool = False
    step_up: bool = False
    reads: str = ""
    own: str = ""
    counted: bool = False
    attended: bool = True


OPEN = Need(None)
SIGNED_IN = Need("")

NEEDS: Mapping[tuple[str, str], Need] = {
    # Whether it runs, for the router, Kubernetes and Prometheus; `/metrics` is not passed on by the router, and asks
    # who comes from another machine for a token (`health/endpoints.py`).
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): OPEN,
    # Product availability is for everybody who may buy.
    ("GET", "/v1/availability"): OPEN,
    ("POST", "/v1/orders"): Need("orders.place", own="orders.place_own"),
    ("GET", "/v1/orders"): Need("orders.read", reads="order.search", counted=True),
    # Notes by itself whom it was about.
    ("POST", "/v1/order-searches"): Need("orders.read", reads="order.search", counted=True),
    ("GET", "/v1/orders/{order_id}"): Need("orders.read", reads="order.read", own="orders.read_own"),
    ("GET", "/v1/orders/{order_id}/events"): Need("orders.read", reads="order.read_history"),
    ("GET", "/v1/orders/{order_id}/sourcing"): Need("orders.read", reads="order.read_sourcing"),
    ("POST", "/v1/orders/{order_id}/updates"): Need("orders.update", own="orders.cancel_own"),
    ("POST", "/v1/order-updates"): Need("orders.update"),
    # What of it needs more (`fraud`, `cancel`), `serve/orders` looks at; of which location somebody
    # may do it, the order judges.
    ("POST", "/v1/order-actions"): Need("orders.hold"),
    ("POST", "/v1/orders/{order_id}/changes"): Need("orders.change", own="orders.change_own"),
    # Of more than the region's threshold somebody else decides, with a fresh second factor.
    ("POST", "/v1/orders/{order_id}/refunds"): Need("refunds.give"),
    # Of carts: whose one is, the reservation judges.
    ("POST", "/v1/reservations"): Need("orders.place", own="orders.place_own"),
    ("GET", "/v1/reservations/{reservation_id}"): Need("orders.place", own="orders.place_own"),
    ("POST", "/v1/reservations/{reservation_id}/extensions"): Need("orders.place", own="orders.place_own"),
    ("DELETE", "/v1/reservations/{reservation_id}"): Need("orders.place", own="orders.place_own"),
    # Of the places that one's rights reach.
    ("GET", "/v1/inventory/{sku}"): Need("stock.read"),
    ("GET", "/v1/locations"): Need("stock.read"),
    ("PUT", "/v1/locations/{location_id}"): Need("locations.write", at_location=True),
    ("GET", "/v1/locations/{location_id}/stock"): Need("stock.read", at_location=True),
    ("GET", "/v1/locations/{location_id}/stock/{sku}"): Need("stock.read", at_location=True),
    ("GET", "/v1/locations/{location_id}/ledger"): Need("stock.read", at_location=True),
    ("GET", "/v1/locations/{location_id}/bins"): Need("stock.read", at_location=True),
    ("GET", "/v1/locations/{location_id}/put-away-suggestions"): Need("stock.read", at_location=True),
    ("GET", "/v1/locations/{location_id}/level-suggestions"): Need("stock.read", at_location=True),
    ("POST", "/v1/locations/{location_id}/receipts"): Need("stock.receive", at_location=True),
    # Overrides the system's count and sets thresholds.
    ("POST", "/v1/locations/{location_id}/adjustments"): Need("stock.adjust", at_location=True, step_up=True),
    # Where one may count, the count judges; so it does who may count again. Large variances are for an approval. What
    # overrides counts by them (a large tolerance, the third counting), `serve/counts` looks at: it takes `stock.adjust`
    # and, of people, a fresh second factor.
    ("POST", "/v1/counts"): Need("stock.receive"),
    ("GET", "/v1/counts"): Need("stock.read"),
    ("GET", "/v1/counts/{count_id}"): Need("stock.read"),
    ("POST", "/v1/counts/{count_id}/begun"): Need("stock.receive"),
    ("POST", "/v1/counts/{count_id}/counted"): Need("stock.receive"),
    ("POST", "/v1/counts/{count_id}/closure"): Need("stock.receive"),
    ("GET", "/v1/locations/{location_id}/count-suggestions"): Need("stock.read", at_location=True),
    ("PUT", "/v1/locations/{location_id}/levels"): Need("stock.adjust", at_location=True, step_up=True),
    ("PUT", "/v1/locations/{location_id}/demand-rates"): Need("stock.adjust", at_location=True, step_up=True),
    ("POST", "/v1/locations/{location_id}/demand-rates/measurements"): Need(
        "stock.adjust", at_location=True, step_up=True
    ),
    # Taking goods out of sale is the floor's, putting them back on sale a manager's.
    ("POST", "/v1/locations/{location_id}/conditions"): Need("stock.receive", at_location=True),
    ("POST", "/v1/locations/{location_id}/quality-releases"): Need("stock.adjust", at_location=True, step_up=True),
    ("POST", "/v1/locations/{location_id}/moves"): Need("stock.receive", at_location=True),
    ("PUT", "/v1/locations/{location_id}/bins"): Need("stock.adjust", at_location=True),
    ("DELETE", "/v1/locations/{location_id}/bins/{bin_id}"): Need("stock.adjust", at_location=True),
    # From where orders are served; what a place can do for them, it says of itself.
    ("GET", "/v1/locations/{location_id}/profile"): Need("stock.read", at_location=True),
    ("PUT", "/v1/locations/{location_id}/profile"): Need("sourcing.write", at_location=True, step_up=True),
    ("GET", "/v1/sourcing/policies"): Need("stock.read"),
    ("GET", "/v1/sourcing/policies/{channel}/versions"): Need("stock.read"),
    # The region's matter: rights that are bound to locations don't suffice (`serve/sourcing`).
    ("PUT", "/v1/sourcing/policies/{channel}"): Need("sourcing.write", step_up=True),
    ("POST", "/v1/sourcing/simulations"): Need("sourcing.simulate", step_up=True, reads="order.read_distances"),
    ("GET", "/v1/sourcing/simulations"): Need("sourcing.simulate"),
    ("GET", "/v1/sourcing/simulations/{simulation_id}"): Need("sourcing.simulate"),
    ("POST", "/v1/sourcing/simulations/{simulation_id}/cancellation"): Need("sourcing.simulate"),
    # Of the places that one's rights reach.
    ("GET", "/v1/sourcing/promises"): Need("orders.read"),
    ("GET", "/v1/skus"): Need("stock.read"),
    ("GET", "/v1/skus/{sku}"): Need("stock.read"),
    # The region's matter, as policies are (`serve/catalogue`): it takes goods out of sale, and gives them the worth by
    # which corrections are limited.
    ("POST", "/v1/skus"): Need("catalogue.write", step_up=True),
    ("GET", "/v1/locations/{location_id}/figures"): Need("figures.read", at_location=True),
    ("GET", "/v1/figures"): Need("figures.read"),
    # Figures on it take `figures.read` besides.
    ("GET", "/v1/live"): Need("live.read", reads="live.open", attended=False),
    ("GET", "/v1/audit"): Need("audit.read", reads="audit.search"),
    # By tools on the cell's own machine, with a token that they sign by its key file.
    ("POST", "/v1/audit/operator-acts"): Need("operators.note"),
    ("POST", "/v1/audit/keeper-acts"): Need("operators.note"),
    ("GET", "/v1/alerts"): Need("alerts.read", reads="alert.search"),
    ("GET", "/v1/alerts/{alert_id}"): Need("alerts.read", reads="alert.read"),
    ("POST", "/v1/alerts/{alert_id}/updates"): Need("alerts.handle"),
    # Four eyes. Whether it is somebody else, and whether the rights reach the place, the approval judges; so
    # it does who may withdraw it.
    ("GET", "/v1/approvals"): Need("approvals.read"),
    # Who asked sees what became of it, who may read approvals sees others', as far as his rights
    # reach: the approval judges it.
    ("GET", "/v1/approvals/{approval_id}"): SIGNED_IN,
    ("POST", "/v1/approvals/{approval_id}/decision"): Need("approvals.decide", step_up=True),
    ("POST", "/v1/approvals/{approval_id}/withdrawal"): SIGNED_IN,
    # Who may take a trip away from somebody, the floor judges.
    ("PUT", "/v1/locations/{location_id}/floor"): Need("stock.adjust", at_location=True),
    ("GET", "/v1/locations/{location_id}/floor"): Need("stock.read", at_location=True),
    ("PUT", "/v1/locations/{location_id}/floor/marks"): Need("stock.adjust", at_location=True),
    ("GET", "/v1/locations/{location_id}/floor/marks"): Need("floor.work", at_location=True),
    ("GET", "/v1/locations/{location_id}/floor/queue"): Need("floor.work", at_location=True),
    ("GET", "/v1/locations/{location_id}/floor/figures"): Need("floor.work", at_location=True),
    ("POST", "/v1/locations/{location_id}/floor/waves"): Need("floor.work", at_location=True),
    ("POST", "/v1/locations/{location_id}/floor/priorities"): Need("floor.work", at_location=True),
    ("POST", "/v1/locations/{location_id}/floor/retries"): Need("floor.work", at_location=True),
    ("POST", "/v1/locations/{location_id}/floor/claims"): Need("floor.work", at_location=True),
    ("POST", "/v1/locations/{location_id}/floor/trips/{trip}/picks"): Need("floor.work", at_location=True),
    ("POST", "/v1/locations/{location_id}/floor/trips/{trip}/short-picks"): Need("floor.work", at_location=True),
    ("POST", "/v1/locations/{location_id}/floor/trips/{trip}/pauses"): Need("floor.work", at_location=True),
    ("POST", "/v1/locations/{location_id}/floor/trips/{trip}/hand-overs"): Need("floor.work", at_location=True),
    ("POST", "/v1/locations/{location_id}/floor/trips/{trip}/abandonment"): Need("floor.work", at_location=True),
    ("POST", "/v1/locations/{location_id}/floor/put-backs"): Need("floor.work", at_location=True),
    ("POST", "/v1/locations/{location_id}/floor/losses"): Need("floor.work", at_location=True),
    ("POST", "/v1/locations/{location_id}/floor/dispute-closures"): Need("floor.work", at_location=True),
    ("GET", "/v1/locations/{location_id}/floor/trips/{trip}"): Need("floor.work", at_location=True),
    # Of which end somebody may do what, the transfer judges by the locations of his rights. What is not there or lost
    # leaves the books, and no order has to stand behind it.
    ("POST", "/v1/transfers"): Need("stock.receive"),
    ("GET", "/v1/transfers"): Need("stock.read"),
    ("GET", "/v1/transfers/{transfer_id}"): Need("stock.read"),
    ("POST", "/v1/transfers/{transfer_id}/picking"): Need("stock.receive"),
    ("POST", "/v1/transfers/{transfer_id}/short-picks"): Need("stock.adjust", step_up=True),
    ("POST", "/v1/transfers/{transfer_id}/dispatches"): Need("stock.receive"),
    ("POST", "/v1/transfers/{transfer_id}/completion"): Need("stock.receive"),
    ("POST", "/v1/transfers/{transfer_id}/receipts"): Need("stock.receive"),
    ("POST", "/v1/transfers/{transfer_id}/closure"): Need("stock.adjust", step_up=True),
    ("POST", "/v1/transfers/{transfer_id}/cancellation"): Need("stock.receive"),
    ("GET", "/v1/transfer-suggestions"): Need("stock.read"),
    # At which store somebody may do it, the collection judges; whose an order is, the order.
    ("GET", "/v1/collections"): Need("orders.read", reads="collection.search", counted=True),
    ("GET", "/v1/collections/{collection_id}"): Need("orders.read", reads="collection.read"),
    ("POST", "/v1/collections/{collection_id}/located"): Need("floor.work"),
    ("POST", "/v1/collections/{collection_id}/ready"): Need("floor.work"),
    ("POST", "/v1/collections/{collection_id}/verification"): Need("floor.work"),
    ("POST", "/v1/collections/{collection_id}/identity-check"): Need("pickups.identify", step_up=True),
    # It goes to the address of the order as it is now and nowhere else, whoever asks for it.
    ("POST", "/v1/collections/{collection_id}/code"): Need("orders.change", own="orders.read_own"),
    ("POST", "/v1/collections/{collection_id}/hand-over"): Need("floor.work"),
    ("POST", "/v1/collections/{collection_id}/extension"): Need("floor.work"),
    ("POST", "/v1/collections/{collection_id}/end"): Need("stock.receive"),
    ("POST", "/v1/orders/{order_id}/here"): Need("floor.work", own="orders.read_own"),
    # Of which location somebody may receive, the inbound judges.
    ("POST", "/v1/inbounds"): Need("stock.receive"),
    ("GET", "/v1/inbounds"): Need("stock.read"),
    ("GET", "/v1/inbounds/{inbound_id}"): Need("stock.read"),
    ("POST", "/v1/inbounds/{inbound_id}/changes"): Need("stock.receive"),
    ("POST", "/v1/inbounds/{inbound_id}/receipts"): Need("stock.receive"),
    ("POST", "/v1/inbounds/{inbound_id}/closure"): Need("stock.receive"),
    ("POST", "/v1/inbounds/{inbound_id}/cancellation"): Need("stock.receive"),
    # Of which location somebody may pack, the shipment judges. Who it goes to stands on labels and papers only, and in
    # the note of a manual one, if it has any: each look at these is written down.
    ("POST", "/v1/shipments"): Need("packing.work"),
    ("GET", "/v1/shipments"): Need("orders.read"),
    ("GET", "/v1/shipments/{shipment_id}"): Need("orders.read", reads="shipment.read", counted=True),
    ("GET", "/v1/shipments/{shipment_id}/proposal"): Need("orders.read"),
    ("POST", "/v1/manual-shipments"): Need("packing.manual"),
    ("POST", "/v1/shipments/{shipment_id}/cancellation"): Need("packing.manual"),
    ("POST", "/v1/shipments/{shipment_id}/parcels"): Need("packing.work"),
    ("DELETE", "/v1/shipments/{shipment_id}/parcels/{parcel}"): Need("packing.work"),
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/scans"): Need("packing.work"),
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/take-outs"): Need("packing.work"),
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/closure"): Need("packing.work"),
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/reopening"): Need("packing.work"),
    ("POST", "/v1/shipments/{shipment_id}/missing"): Need("packing.work"),
    ("POST", "/v1/shipments/{shipment_id}/completion"): Need("packing.work"),
    ("POST", "/v1/shipments/{shipment_id}/unpacking"): Need("packing.work"),
    ("GET", "/v1/shipments/{shipment_id}/parcels/{parcel}/quotes"): Need("packing.work"),
    ("POST", "/v1/shipments/{shipment_id}/parcels/{parcel}/label"): Need("packing.work"),
    ("DELETE", "/v1/shipments/{shipment_id}/parcels/{parcel}/label"): Need("packing.work"),
    ("GET", "/v1/shipments/{shipment_id}/parcels/{parcel}/label"): Need("packing.work", reads="shipment.read_label"),
    ("GET", "/v1/shipments/{shipment_id}/parcels/{parcel}/slip.pdf"): Need("packing.work", reads="shipment.read_slip"),
    ("GET", "/v1/shipments/{shipment_id}/parcels/{parcel}/customs"): Need(
        "packing.work", reads="shipment.read_customs"
    ),
    ("GET", "/v1/shipments/{shipment_id}/parcels/{parcel}/customs.pdf"): Need(
        "packing.work", reads="shipment.read_customs"
    ),
    ("GET", "/v1/shipments/{shipment_id}/parcels/{parcel}/sscc-label"): Need("packing.work"),
    ("GET", "/v1/orders/{order_id}/shipments"): Need(
        "orders.read", reads="order.read_shipments", own="orders.read_own"
    ),
    ("GET", "/v1/locations/{location_id}/docks/{carrier}"): Need("packing.work", at_location=True),
    ("GET", "/v1/locations/{location_id}/docks/{carrier}/manifests"): Need("packing.work", at_location=True),
    ("POST", "/v1/locations/{location_id}/docks/{carrier}/manifests"): Need("packing.work", at_location=True),
    ("GET", "/v1/locations/{location_id}/docks/{carrier}/manifests/{number}"): Need("packing.work", at_location=True),
    ("GET", "/v1/locations/{location_id}/docks/{carrier}/manifests/{number}/list.pdf"): Need(
        "packing.work", at_location=True
    ),
    ("POST", "/v1/locations/{location_id}/docks/{carrier}/manifests/{number}/scans"): Need(
        "packing.work", at_location=True
    ),
    ("POST", "/v1/locations/{location_id}/docks/{carrier}/manifests/{number}/hand-over"): Need(
        "packing.work", at_location=True
    ),
    # Signing in is open, or nobody could.
    ("POST", "/v1/sessions"): OPEN,
    ("POST", "/v1/sessions/refresh"): OPEN,
    ("POST", "/v1/factors"): OPEN,
    ("POST", "/v1/factors/confirmation"): OPEN,
    ("POST", "/v1/factors/passkey-options"): OPEN,
    ("POST", "/v1/factors/passkey"): OPEN,
    ("POST", "/v1/sessions/passkey-options"): OPEN,
    ("POST", "/v1/oauth/token"): OPEN,
    ("GET", "/v1/sessions/current"): SIGNED_IN,
    ("DELETE", "/v1/sessions/current"): SIGNED_IN,
    ("POST", "/v1/sessions/current/proof"): SIGNED_IN,
    ("POST", "/v1/sessions/current/passkey-options"): SIGNED_IN,
    # Whoever changes a password keeps out who knows the one before.
    ("POST", "/v1/sessions/current/password"): Need("", step_up=True),
    # Who adds a passkey to an account can sign in to it; who removes one can lock its person out.
    ("GET", "/v1/passkeys"): Need("", reads="account.read_passkeys"),
    ("POST", "/v1/passkey-options"): Need("", step_up=True),
    ("POST", "/v1/passkeys"): Need("", step_up=True),
    ("DELETE", "/v1/passkeys/{passkey_id}"): Need("", step_up=True),
    ("POST", "/v1/accounts"): Need("accounts.write", step_up=True),
    # Notes by itself whose it was.
    ("POST", "/v1/account-searches"): Need("accounts.read", reads="account.read", counted=True),
    ("GET", "/v1/accounts/{account_id}"): Need("accounts.read", reads="account.read"),
    ("POST", "/v1/accounts/{account_id}/changes"): Need("accounts.write", step_up=True),
    ("POST", "/v1/clients"): Need("clients.write", step_up=True),
    ("GET", "/v1/clients/{client_id}"): Need("clients.write"),
    ("POST", "/v1/clients/{client_id}/changes"): Need("clients.write", step_up=True),
    # Whoever enrols or changes a device gives rights: no more than his own, at locations that his rights reach.
    ("POST", "/v1/devices"): Need("devices.write", step_up=True),
    ("GET", "/v1/devices"): Need("devices.write"),
    ("GET", "/v1/devices/{device_id}"): Need("devices.write"),
    ("POST", "/v1/devices/{device_id}/changes"): Need("devices.write", step_up=True),
    # The code that the device was given is its right.
    ("POST", "/v1/devices/claim"): OPEN,
    # Customers and guests come by a code that was sent to them.
    ("POST", "/v1/guest/codes"): OPEN,
    ("POST", "/v1/guest/sessions"): OPEN,
    ("POST", "/v1/customers"): OPEN,
    ("POST", "/v1/customers/codes"): OPEN,
    ("POST", "/v1/customers/sessions"): OPEN,
    ("POST", "/v1/customers/sessions/refresh"): OPEN,
    ("POST", "/v1/customers/sessions/passkey-options"): OPEN,
    ("POST", "/v1/customers/sessions/passkey"): OPEN,
    ("DELETE", "/v1/customers/sessions/current"): Need("customer.own", own="customer.own"),
    # One's own data, too: whoever has got hold of a session reads them as if they were his.
    ("GET", "/v1/customers/me/orders"): Need("customer.own", reads="customer.read_orders", own="customer.own"),
    # By passkeys one signs in: see the staff's.
    ("GET", "/v1/customers/me/sessions"): Need("customer.own", reads="customer.read_sessions", own="customer.own"),
    ("DELETE", "/v1/customers/me/sessions"): Need("customer.own", step_up=True, own="customer.own"),
    ("GET", "/v1/customers/me/passkeys"): Need("customer.own", reads="customer.read_passkeys", own="customer.own"),
    ("POST", "/v1/customers/me/passkey-options"): Need("customer.own", step_up=True, own="customer.own"),
    ("POST", "/v1/customers/me/passkeys"): Need("customer.own", step_up=True, own="customer.own"),
    ("DELETE", "/v1/customers/me/passkeys/{passkey_id}"): Need("customer.own", step_up=True, own="customer.own"),
    ("GET", "/v1/customers/me/consents"): Need("customer.own", reads="consent.read", own="customer.own"),
    ("PUT", "/v1/customers/me/consents"): Need("customer.own", own="customer.own"),
    ("GET", "/v1/customers/me/privacy-requests"): Need(
        "customer.own", reads="privacy_request.search", own="customer.own"
    ),
    # The session is the proof of who asks to be told everything, or erased: it has to be a new one.
    ("POST", "/v1/customers/me/privacy-requests"): Need("customer.own", step_up=True, own="customer.own"),
    ("GET", "/v1/customers/me/privacy-requests/{request_id}"): Need(
        "customer.own", reads="privacy_request.read", own="customer.own"
    ),
    ("POST", "/v1/customers/me/data"): Need("customer.own", step_up=True, reads="customer.export", own="customer.own"),
    # People's own data, of whoever asks: told, changed or erased by somebody who has just proved who he is.
    ("GET", "/v1/privacy-requests"): Need("privacy.handle", reads="privacy_request.search"),
    ("POST", "/v1/privacy-requests"): Need("privacy.handle"),
    ("GET", "/v1/privacy-requests/{request_id}"): Need("privacy.handle", reads="privacy_request.read"),
    ("POST", "/v1/privacy-requests/{request_id}/steps"): Need("privacy.handle", step_up=True),
    ("POST", "/v1/privacy-requests/{request_id}/export"): Need(
        "privacy.handle", step_up=True, reads="privacy_request.read_export"
    ),
    ("POST", "/v1/notices/{notice_id}/sent"): Need("notices.deliver"),
    # Breaches of personal data: what is said of them is said to authorities.
    ("POST", "/v1/breaches"): Need("privacy.handle", step_up=True),
    ("GET", "/v1/breaches"): Need("privacy.handle", reads="breach.search"),
    ("GET", "/v1/breaches/{breach_id}"): Need("privacy.handle", reads="breach.read"),
    ("POST", "/v1/breaches/{breach_id}/steps"): Need("privacy.handle", step_up=True),
    ("POST", "/v1/data-keys/rewraps"): Need("keys.rotate", step_up=True),
}
