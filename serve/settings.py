"""What the API has to know of its region, and its limits. The cell fills it from `config/regions/<name>.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from actors.domain.sourcing_policy import Policy
from serve.keys.settings import KeyPort
from serve.packing.settings import PackingSettings


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One region's API.

    lat, lon: the region's centre in degrees. `other_countries`: country → region that serves it. `other_regions`: names
    of all other regions. `cursor_key`: secret of the cell, the same in all its replicas, that
    page cursors are signed with.
    `identity`: "off" lets everybody do everything, for a cell that nobody but this machine reaches. `keyring`: the
    cell's key file; without one nobody can sign in. `keys`: the port to the region's key. `breached_passwords`: a file
    of passwords that nobody may choose, beside the bundled ones; `own_words`: the retailer's names, of which none may
    be made (`identity/own_words.py`).
    `rp_id`: the domain that passkeys are bound to, and `origins`: the pages that may ask for them.
    `approval_adjustment_units`, `approval_transfer_units`: an adjustment (or what a transfer lacks or has lost), or a
    transfer of more units, over all its lines, waits for a second person, `approval_expires_hours` at most; 0 for none.
    `approval_refund_minor`: the same with a refund of more minor units of `currency`, with what was given back of the
    order without an approval, and with every one in another currency. `count_tolerance_units`,
    `count_tolerance_percent`: more tolerance of a count is for who may correct stock; `count_tolerance_value`,
    `count_approval_value`: limits of what a variance is worth (minor units of `currency`), 0 for none.
    `pickup_hold_days`: for how long a store keeps what is ready for its customer, and at most
    (`pickup_hold_max_days`), when it is extended.
    `pickup_late_hours`, `pickup_give_up_hours`: so long after something should be ready its store is told, and
    others are asked; 0: never.
    `consent_texts`: versions of the texts that customers may agree to.
    `sourcing`: the region's own policy, None for the built-in one, whose amounts are in `currency` then.
    `notices_told`: notices are written to the log too, codes and all; of a demo that nobody but this machine reaches.
    `port` 0: any free port (tests). `head_timeout_s`: for the head of a request, from the connection or from its first
    byte. `drain_s`: how long the door waits for requests in flight, of which an erasure takes longest;
    `serve_drain_s`: how long Serve keeps its own ingress open before that
    (RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S). `tls_certificate`, `tls_key`: PEM files that the door shows; with
    none it speaks plain HTTP.
    `tried_s`: for so long after it was asked for a command may still reach its host.
    `router_networks`: CIDRs of the routers that say who calls (X-Forwarded-For), besides this machine.
    """

    region: str
    title: str = ""
    lat: float = 0.0
    lon: float = 0.0
    countries: frozenset[str]
    currencies: frozenset[str]
    other_countries: Mapping[str, str] = {}
    other_regions: frozenset[str] = frozenset()
    cursor_key: bytes
    identity: Literal["off", "required"] = "off"
    keyring: str = ""
    keys: KeyPort = KeyPort()
    breached_passwords: str = ""
    own_words: tuple[str, ...] = ()
    rp_id: str = "localhost"
    origins: tuple[str, ...] = ("http://localhost:8080",)
    approval_adjustment_units: int = 0
    approval_transfer_units: int = 0
    approval_refund_minor: int = 0
    approval_expires_hours: int = 72
    count_tolerance_units: int = 2
    count_tolerance_percent: int = 2
    pickup_hold_days: int = 7
    pickup_hold_max_days: int = 14
    pickup_late_hours: int = 24
    pickup_give_up_hours: int = 72
    count_tolerance_value: int = 0
    count_approval_value: int = 0
    consent_texts: frozenset[str] = frozenset()
    sourcing: Policy | None = None
    currency: str = "USD"
    packing: PackingSettings = PackingSettings()
    notices_told: bool = False

    host: str = "127.0.0.1"
    port: int = 0
    tls_certificate: str = ""
    tls_key: str = ""
    router_networks: tuple[str, ...] = ()
    connections_max: int = 10_000
    header_bytes_max: int = 32_768
    head_timeout_s: float = 10.0
    keep_alive_s: int = 30
    drain_s: int = 10
    serve_drain_s: int = 30

    max_body_bytes: int = 1_048_576
    body_timeout_s: float = 10.0
    requests_max: int = 20_000
    placement_wait_ms: int = 1000
    tried_s: float = 10.0
    occurred_at_max_age_days: int = 400
    occurred_at_max_ahead_s: int = 300

    live_clients_max: int = 200
    live_queue_max: int = 1000
    live_heartbeat_s: float = 15.0
    live_max_s: float = 600.0
    live_grace_s: float = 5.0
