"""Examples of packing in the API's document."""

from __future__ import annotations

from typing import Any

_ID = "us-shipment-01kah2v3nq7h3k2m9qk4t1x0ab.1"
_ORDER = "us-01kah2v3nq7h3k2m9qk4t1x0ab"
SSCC = "095212340000000426"
STEP: dict[str, Any] = {
    "shipment_id": _ID, "version": 4, "status": "packing", "parcel": 1, "sscc": SSCC, "left": [{"sku": "85123A", "quantity": 2}],
    "last_refusal": "", "allowed": ["open_parcel", "pack", "take_out", "close_parcel", "tell_missing"],
}  # fmt: skip
PACKED: dict[str, Any] = STEP | {"status": "packed", "left": [], "allowed": ["label", "void", "hand_over"]}
UNPACKED: dict[str, Any] = STEP | {"status": "cancelled", "parcel": 0, "sscc": "", "left": [], "allowed": []}
LABEL: dict[str, Any] = {
    "status": "bought", "carrier": "post", "service": "standard", "label_format": "pdf", "tracking_number": "CP000000015XX",
    "price": {"amount": 826, "currency": "USD"}, "code": "",
}  # fmt: skip
PARCEL: dict[str, Any] = {
    "number": 1, "carton": "M", "length_mm": 408, "width_mm": 308, "height_mm": 208, "tare_g": 240, "sscc": SSCC,
    "contents": [{"sku": "85123A", "quantity": 2, "lot": ""}], "closed": True, "weight_g": 1240, "expected_g": 1240, "despite": False,
    "place": "waiting", "handed_over_at": None, "code": "", "label": LABEL,
}  # fmt: skip
DETAIL: dict[str, Any] = {
    "shipment_id": _ID, "version": 9, "status": "packed", "location_id": "us-wh-seattle", "order_id": _ORDER, "fulfilment_id": f"{_ORDER}.1",
    "reason": "", "note": "", "country": "", "opened_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:06:00Z", "over": False, "why": "",
    "last_refusal": "", "allowed": ["label", "void", "hand_over"], "lines": [{"sku": "85123A", "quantity": 2}], "left": [],
    "proposal": [{"carton": "M", "lines": [{"sku": "85123A", "quantity": 2}], "weight_g": 1240}], "parcels": [PARCEL], "orphans": [],
}  # fmt: skip
PAGE: dict[str, Any] = {
    "shipments": [{
        "shipment_id": _ID, "version": 9, "status": "packed", "location_id": "us-wh-seattle", "order_id": _ORDER, "reason": "", "parcels": 1,
        "units": 2, "weight_g": 1240, "opened_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:06:00Z",
    }],
    "as_of": "2026-03-01T12:07:00Z", "next_cursor": None,
}  # fmt: skip
PROPOSAL: dict[str, Any] = {
    "parcels": [{
        "carton": "M", "placements": [{"sku": "85123A", "x": 0, "y": 0, "z": 0, "dx": 300, "dy": 200, "dz": 100}], "weight_g": 740, "fill": 0.25,
    }],
    "problem": "", "skus": [],
}  # fmt: skip
QUOTES: dict[str, Any] = {
    "quotes": [{"carrier": "post", "service": "standard", "price": {"amount": 826, "currency": "USD"}, "days": 3}], "refused": {},
}  # fmt: skip
CUSTOMS: dict[str, Any] = {
    "form": "CN22", "why": "small_packet", "invoice": False, "value": {"amount": 5000, "currency": "EUR"}, "value_sdr": 4302, "rate_on": "2026-02-27",
}  # fmt: skip
MANUAL: dict[str, Any] = {
    "location_id": "us-wh-seattle", "reason": "sample",
    "ship_to": {
        "name": "Larch Trading", "street": ["4 Alder Row"], "city": "Portland", "postcode": "97201", "country": "US",
    },
    "lines": [{"sku": "85123A", "quantity": 1}], "note": "for the fair",
}  # fmt: skip
ORDER_SHIPMENTS: dict[str, Any] = {
    "order_id": _ORDER,
    "fulfilments": [{
        "fulfilment_id": f"{_ORDER}.1", "status": "shipped",
        "parcels": [{
            "number": 1, "status": "handed_over", "carrier": "post", "tracking_number": "CP000000015XX", "handed_over_at": "2026-03-01T17:02:00Z",
            "contents": [{"sku": "85123A", "quantity": 2}],
        }],
    }],
}  # fmt: skip
_LINE: dict[str, Any] = {
    "number": 7, "status": "closed", "carrier_ref": "MF00000007", "parcels": 1, "weight_g": 1240, "closed_at": "2026-03-01T16:30:00Z",
    "handed_over_at": None,
}  # fmt: skip
_LISTED: dict[str, Any] = {
    "sscc": SSCC, "shipment_id": _ID, "parcel": 1, "tracking_number": "CP000000015XX", "weight_g": 1240, "status": "listed", "code": "",
}  # fmt: skip
MANIFEST: dict[str, Any] = {
    "dock_id": "us-wh-seattle.post", "number": 7, "status": "closed", "carrier_ref": "MF00000007", "code": "",
    "closed_at": "2026-03-01T16:30:00Z", "handed_over_at": None, "weight_g": 1240, "parcels": [_LISTED],
}  # fmt: skip
HANDED_OVER: dict[str, Any] = MANIFEST | {
    "status": "handed_over", "handed_over_at": "2026-03-01T17:02:00Z", "parcels": [_LISTED | {"status": "handed_over"}],
}  # fmt: skip
DOCK: dict[str, Any] = {
    "dock_id": "us-wh-seattle.post", "version": 31,
    "waiting": [{"sscc": SSCC, "shipment_id": _ID, "parcel": 1, "tracking_number": "CP000000015XX", "weight_g": 1240}], "manifests": [_LINE],
}  # fmt: skip
MANIFESTS: dict[str, Any] = {"manifests": [_LINE], "as_of": "2026-03-01T16:31:00Z", "next_cursor": None}
SCAN: dict[str, Any] = {
    "number": 7, "sscc": SSCC, "tracking_number": "CP000000015XX", "status": "cleared", "load": True, "code": "", "seen": 1, "of": 1,
}  # fmt: skip
