"""What can be set for a region: a struct for each section of `config/regions/<name>.toml`,
with its defaults and bounds.

`config.py` reads the files; what must hold beyond the type of one value stands in
`config_rules.py` and `key_config.py`.
"""

from ipaddress import ip_network
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from cells.packing_config import Packing

# Every cell takes this many ports from `[ray] port_base` on; see cells/ports.py for what they are.
RAY_PORT_SPAN = 1000
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9]{0,15}$", description="lower-case letters and digits")]
Country = Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217")]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Port = Annotated[int, Meta(ge=1024, le=65535)]
HostName = Annotated[
    str,
    Meta(pattern="^([a-z0-9-]{1,63}[.])*[a-z0-9-]{1,63}$", max_length=253, description="a host name in small letters"),
]
Origin = Annotated[
    str,
    Meta(
        pattern="^https?://([a-z0-9-]{1,63}[.])*[a-z0-9-]{1,63}(:[0-9]{1,5})?$",
        description="as https://ops.example.com",
    ),
]
OwnWord = Annotated[
    str, Meta(pattern=r"^([\W_]*[^\W_]){4}", max_length=64, description="a name of four letters or digits at least")
]
TextVersion = Annotated[
    str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="at most 64 letters, digits and . _ -")
]
LocationId = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9]{1,15}-[a-z0-9][a-z0-9-]{0,62}(?![\s\S])",
        description="a location's id, as us-wh-seattle",
    ),
]
Positive = Annotated[int, Meta(ge=1)]
Count = Annotated[int, Meta(ge=0)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the config's sections: frozen, and no key that we do not know."""


class Region(Section, frozen=True):
    """`[region]`: who is served here, and what may leave.

    `name` stands at the head of every id (`us-…`) and is that of the file; `title` is for people. `countries` are those
    that are served here, each by one region only. `lat`, `lon` (degrees): the region's middle, from which distances are
    counted where nobody says where he is; the router takes a caller to the nearest one. `residency` "strict" means that
    personal data never leaves the region, hence no `failover`: the regions that answer its reads of stock while it is
    away, in this order. `currencies`: those that prices may be in, the first one being that of the region's own
    amounts. `default` marks the one region that takes callers whose place is unknown. `timezone` is the region's; each
    location has one of its own, which counts there. `profile` "production" refuses what is for trying only.
    """

    name: Name = "us"
    title: str = ""
    default: bool = False
    lat: Latitude = 0.0
    lon: Longitude = 0.0
    countries: tuple[Country, ...] = ()
    residency: Literal["strict", "open"] = "open"
    failover: tuple[Name, ...] = ()
    currencies: Annotated[tuple[Currency, ...], Meta(min_length=1)] = ("USD",)
    timezone: str = "UTC"
    profile: Literal["demo", "production"] = "demo"


# Serve's HAProxy says nothing of who calls: behind it every caller would be this machine, whose
# word about addresses counts.
INGRESS_HOST = "127.0.0.1"


class Api(Section, frozen=True):
    """`[api]`: the cell's two doors and their limits.

    `host` and `port` are those of the uvicorn door of the Serve replicas; `serve_port` is Serve's own ingress, on
    loopback alone. `router_networks`: where routers stand that are not on this machine: what they say of a caller's
    address counts, so nobody else may be in these networks. `replicas`: processes that answer at that door, each with
    an index of all stock. `max_body_bytes`: larger bodies get 413 `body.too_large`, and so do those of more than 16 KiB
    where nobody has to be signed in; whoever raises it raises `body_bytes_max` in `config/router.toml` as well, or the
    router refuses them before. `placement_wait_ms`: for how long a placement waits for its final answer; then it is
    answered as it is (`placed`) and goes on; less than `request_timeout_ms`, after which a caller gets 503
    `cell.unavailable`, and which must be less than the router's `cell_timeout_ms` (by 5,000 at least, or the router
    does not start: so much longer an erasure takes, and up to 7,000 more while the write-behind is slow). An update
    that says when it happened (`occurred_at`) is taken for `occurred_at_max_age_days` back and, as clocks differ, for
    `occurred_at_max_ahead_s` ahead; else 422.
    """

    host: str = "127.0.0.1"
    port: Port = 8101
    serve_port: Port = 8111
    replicas: Annotated[int, Meta(ge=1, le=64)] = 2
    router_networks: Annotated[tuple[str, ...], Meta(max_length=64)] = ()
    max_body_bytes: Annotated[int, Meta(ge=1024, le=64 * 1024 * 1024)] = 1_048_576
    placement_wait_ms: Annotated[int, Meta(ge=0, le=60_000)] = 1000
    request_timeout_ms: Annotated[int, Meta(ge=100, le=120_000)] = 8000
    occurred_at_max_age_days: Positive = 400
    occurred_at_max_ahead_s: Count = 300

    @property
    def erasure_ms_min(self) -> int:
        """An erasure is answered no sooner (`serve/privacy/erasure.py`): whoever waits for a call waits longer."""
        return self.request_timeout_ms + 5000

    @property
    def erasure_s_max(self) -> float:
        """So long an erasure takes, but for the work on very many orders (`serve/privacy/erasure.py`): whoever ends
        the cell lets it come to its end."""
        return self.request_timeout_ms / 1000 + 12

    def __post_init__(self) -> None:
        for network in self.router_networks:
            try:
                told = ip_network(network)
            except ValueError as error:
                raise ValueError(f"router_networks: {error}; write an address or a network as 10.0.0.0/8") from None
            if not told.prefixlen:
                raise ValueError(f"router_networks: {network} is everybody; write the routers' network as 10.0.0.0/8")


class Identity(Section, frozen=True):
    """`[identity]`: who may use the cell.

    `mode`: "required" lets nobody in without a token; "off" lets everybody do everything, and is only taken while the
    cell listens on loopback (`OCEFS_IDENTITY` wins over it). Orders that came while it was off lie in the clear: a
    later start that requires it is refused, unless there are none; and so is one with "off" where orders
    came while it was required.
    `demo_accounts`: people to try it with, known to everybody: never in production. A cell that has them, or its
    router, is opened to others only once they are disabled (`python -m cells demo-people <region> --disable`).
    `breached_passwords`: a file of passwords that nobody may choose, one a line, beside the bundled list. `own_words`:
    names of the retailer, its products and places, of which no password may be made (`serve/identity/own_words.py`),
    beside those that stand in this file. `rp_id`: the domain that passkeys are bound to for ever; `origins`: the pages
    that may ask for them, on that domain or below it; empty: the router's.
    """

    mode: Literal["off", "required"] = "required"
    demo_accounts: bool = True
    breached_passwords: str = ""
    own_words: Annotated[tuple[OwnWord, ...], Meta(max_length=1000)] = ()
    rp_id: HostName = "localhost"
    origins: Annotated[tuple[Origin, ...], Meta(max_length=16)] = ()


class Tls(Section, frozen=True):
    """`[tls]`: encryption in transit.

    `mode`: "required" lets nothing be read on its way, neither by callers nor between the cell's own parts
    (`OCEFS_TLS` wins over it).
    `certificate`, `key` and `ca`: PEM files of the cell's door, and of the CA by which others verify it; empty: those
    of `make certs`. Paths are meant from the project's folder on. `name`: the host name in the certificate; empty:
    `<region>.ocefs.internal`.
    """

    mode: Literal["off", "required"] = "off"
    certificate: str = ""
    key: str = ""
    ca: str = ""
    name: Annotated[
        str, Meta(pattern="^([a-z0-9-]{1,63}[.])*[a-z0-9-]{1,63}$|^$", description="a host name in small letters")
    ] = ""


class Keys(Section, frozen=True):
    """`[keys]`: where the region's key is that wraps customers' data keys (docs/security/keys.md), in a cell with
    identity.

    `port`: "file" is the cell's key file. "vault" is the transit engine of HashiCorp Vault at `address`, mounted at
    `mount`: its key `key`, a token in `token_file` (mode 600; "": in `OCEFS_<REGION>_VAULT_TOKEN`), and `ca_file`, the
    only CA that is believed ("": the system's). "aws-kms" is AWS KMS in `aws_region`: `key` is an id, alias or ARN;
    `endpoint_url` is for a private endpoint, or for tests. Paths are meant from the project's folder on. The key is
    tried when the cell starts.
    """

    port: Literal["file", "vault", "aws-kms"] = "file"
    key: str = ""
    address: str = ""
    mount: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", max_length=128)] = "transit"
    token_file: str = ""
    ca_file: str = ""
    aws_region: Annotated[str, Meta(pattern="^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$|^$")] = ""
    endpoint_url: str = ""


class Anomalies(Section, frozen=True):
    """`[anomalies]`: who watches what the audit says, in a cell with identity.

    `enabled`: whether anybody does. `thresholds`: those of the rules that shall differ from the built-in ones
    (docs/security/anomalies.md). `webhook_url`: who else is told of alerts, "" for nobody; https, or http on loopback.
    `webhook_secret_file`: the key of its signatures, 32 bytes or more, readable by nobody else. Both are
    checked when the cell starts.
    """

    enabled: bool = True
    thresholds: dict[str, float] = {}
    webhook_url: str = ""
    webhook_secret_file: str = ""


class Approvals(Section, frozen=True):
    """`[approvals]`: what needs a second person (docs/security/approvals.md), in a cell with identity.

    `adjustment_units`: an adjustment of stock of more units, over all its lines, waits until somebody else approves it,
    and so do units that a transfer lacks at its source or has lost; 0: none does.
    `transfer_units`: the same with a transfer between locations. `refund_minor`: the same with a refund of more minor
    units of the region's first currency, with what was given back of the order without an approval, and with every one
    in another: nobody here knows what that is worth; 0: none waits, and people need a fresh second factor for each. The
    monitor's `refund_threshold_minor` is this as well, unless `[anomalies.thresholds]` says another.
    `expires_hours`: for how long it waits.
    """

    adjustment_units: Count = 500
    transfer_units: Count = 1000
    refund_minor: Count = 10_000
    expires_hours: Annotated[int, Meta(ge=1, le=720)] = 72


class Counts(Section, frozen=True):
    """`[counts]`: the tolerance that a count may have at most when it is opened by somebody who may not correct stock
    (docs/domain/count.md), in a cell with identity.

    `tolerance_units`: base units of a difference. `tolerance_percent`: of what the books say.
    `tolerance_value`: what the difference of a line may be worth at most to be tolerated, in minor units of the
    region's first currency, for SKUs of which the catalogue knows a unit cost in it; `approval_value`: more than that,
    over all that a count finds, waits until somebody else approves it. 0: no such limit.
    """

    tolerance_units: Count = 2
    tolerance_percent: Annotated[int, Meta(ge=0, le=100)] = 2
    tolerance_value: Count = 0
    approval_value: Count = 0


class Figures(Section, frozen=True):
    """`[figures]`: how much work there is and how fast it is done (docs/domain/figures.md). `enabled`: whether somebody
    counts it, minute by minute."""

    enabled: bool = True


class Pickups(Section, frozen=True):
    """`[pickups]`: orders that wait at a store for their customers (docs/domain/collection.md).

    `hold_days`: for how long one is kept that is ready, where the store's profile says nothing else; `hold_max_days`:
    for how long at most, when staff extends it.
    `late_hours`: so long after it should be ready the store is told, `give_up_hours`: others are asked and the customer
    is told another time; 0: never.
    """

    hold_days: Annotated[int, Meta(ge=1, le=60)] = 7
    hold_max_days: Annotated[int, Meta(ge=1, le=60)] = 14
    late_hours: Annotated[int, Meta(ge=0, le=1_440)] = 24
    give_up_hours: Annotated[int, Meta(ge=0, le=1_440)] = 72


class Privacy(Section, frozen=True):
    """`[privacy]`: `consent_texts`: the versions of the texts by which customers are asked what they agree to, as
    `["newsletter-2026-02"]`: those that are shown anywhere yet. Only to these consent can be given, since what a
    customer's program writes there is kept after the customer is erased; with none, nothing can be agreed to. To refuse
    needs no text, and what was agreed to before stays so when its text is taken off the list
    (docs/privacy/requests.md)."""

    consent_texts: Annotated[tuple[TextVersion, ...], Meta(max_length=1000)] = ()


class Sourcing(Section, frozen=True):
    """`[sourcing]`: from where orders are served while nobody has set another policy; without it, from the nearest
    place that has everything.

    `version`, `currency`, `rules`, `limits`, `costs`, `carriers`, `bans`: what may stand in them is in
    docs/domain/sourcing.md; `cells/own_policy.py` reads it. The router, which reads these
    files too, knows nothing of it.
    """

    version: Positive = 1
    currency: Currency | None = None
    rules: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    costs: dict[str, Any] = {}
    carriers: list[dict[str, Any]] | None = None
    bans: list[dict[str, Any]] = []


class Runtime(Section, frozen=True):
    """`[runtime]`: hosts, shards and every limit of the actor runtime.

    `shards`: parts into which all entities fall; fixed with the first start, another number is refused. `hosts`:
    processes that own them, `shards` at most (`python -m cells scale <region> --hosts N` changes it while the cell
    runs, whatever of it has to be started again meanwhile; after `make down` and `make up` this number counts again).
    `pinned`: ids of locations, as `["us-wh-newark"]`, that are too hot to share a processor: each one's shard gets a
    host of its own, as long as two more hosts are left for all the others; so `hosts` must be two more than these. With
    fewer, because some have ended or the cell was scaled down, they share like all others. `batch_max`: commands that
    go into one append, and into one call to a host. `mailbox_max`: what may wait for one entity that is being loaded;
    past it 429 `cell.busy`. `inbox_max`: what may wait for one host, and in a replica for all of
    them; past it 429 `cell.busy`.
    `tail_max_turns`: turns of a host that are in Redis and not yet in PostgreSQL; past it commands get 503
    `cell.write_behind_full`, until the drain has caught up. The alerts `OcefsTailFilling` and `OcefsInboxLong` stand at
    half of these two. `drain_interval_ms`: how often it writes, which is how far lists are behind as a rule;
    `drain_max_turns`: turns in one transaction. `idle_passivate_s`: an entity that nobody asked for so long leaves
    memory, and is loaded again when it is asked.
    `memory_cap_mb`: of a host's entities, roughly: past it they leave sooner. `remember_hours`: for how long the same
    `Idempotency-Key` gets the first answer again. `outbox_retry_max`: tries of a message between entities before it is
    parked (`python -m cells scale <region> --parked`).
    """

    shards: Annotated[int, Meta(ge=1, le=4096)] = 64
    hosts: Annotated[int, Meta(ge=1, le=256)] = 2
    pinned: Annotated[tuple[LocationId, ...], Meta(max_length=254)] = ()
    batch_max: Positive = 1024
    mailbox_max: Positive = 1000
    inbox_max: Positive = 20_000
    tail_max_turns: Positive = 500_000
    drain_interval_ms: Annotated[int, Meta(ge=1, le=60_000)] = 250
    drain_max_turns: Positive = 20_000
    idle_passivate_s: Positive = 900
    memory_cap_mb: Annotated[int, Meta(ge=64)] = 1024
    remember_hours: Annotated[int, Meta(ge=24)] = 24
    outbox_retry_max: Positive = 20


class Audit(Section, frozen=True):
    """`[audit]`: lines are kept for `keep_days`, by whole months; three years and a day by default.

    `forward_url`: who else gets every line (docs/security/audit.md), "" for nobody; https, or http on loopback.
    `forward_secret_file`: the key of its signatures, 32 bytes or more; `forward_authorization_file`: what is sent as
    `Authorization`, where the receiver wants it; both readable by nobody else. All are checked when the cell starts.
    """

    keep_days: Annotated[int, Meta(ge=31, le=36_525)] = 1_097
    forward_url: str = ""
    forward_secret_file: str = ""
    forward_authorization_file: str = ""


class Postgres(Section, frozen=True):
    """`[postgres]`: only for the embedded server; `OCEFS_<REGION>_POSTGRES_URL` wins over it.

    `bin_dir` is a folder with `initdb` and `postgres` 15-18; empty: the one that comes with the Python packages.
    """

    bin_dir: str = ""


class Redis(Section, frozen=True):
    """`[redis]`: only for the embedded server; `OCEFS_<REGION>_REDIS_URL` wins over it.

    `bin` is a `redis-server` or `valkey-server`; empty: the one on PATH when it is 7 or newer, else the Valkey in the
    Python packages. One that does not read the journal that is there is refused, or passed over
    (docs/security/dependencies.md).
    `memory_mb`: what it may take; past it commands get 503 `cell.journal_full`, and nothing that was acknowledged is
    lost. Besides the turns that are not yet in PostgreSQL it holds 8 to 16 bytes of each command, for two hours more
    than `remember_hours`: at 1,500 a second all day 1,600 MB, at 3,000 a second 3,100. The alert `OcefsJournalFilling`
    stands at four fifths of it.
    """

    bin: str = ""
    memory_mb: Annotated[int, Meta(ge=64, le=1_048_576)] = 2048


class Ray(Section, frozen=True):
    """`[ray]`: the cell's Ray cluster.

    `num_cpus` is what Ray may place, not what the machine has. `object_store_mb`: Ray's shared memory, of which a cell
    needs little. `dashboard_port`: Ray's dashboard, on loopback. `port_base` is the first of 1,000 ports that only this
    cell may use. `memory_min_mb` is how much memory must be available before the cell is started.
    """

    num_cpus: Annotated[int, Meta(ge=1, le=1024)] = 4
    object_store_mb: Annotated[int, Meta(ge=80)] = 128
    dashboard_port: Port = 8121
    port_base: Annotated[int, Meta(ge=1024, le=65535 - RAY_PORT_SPAN)] = 21_000
    memory_min_mb: Count = 1500


class RegionConfig(Section, frozen=True):
    """The whole of one `config/regions/<name>.toml`. `[sourcing]`: from where orders are served while nobody has set
    another policy (docs/domain/sourcing.md has its keys); without it, or with nothing but defaults in it, from the
    nearest place that has everything."""

    region: Region = Region()
    api: Api = Api()
    identity: Identity = Identity()
    tls: Tls = Tls()
    keys: Keys = Keys()
    audit: Audit = Audit()
    anomalies: Anomalies = Anomalies()
    approvals: Approvals = Approvals()
    counts: Counts = Counts()
    figures: Figures = Figures()
    pickups: Pickups = Pickups()
    privacy: Privacy = Privacy()
    sourcing: Sourcing = Sourcing()
    packing: Packing = Packing()
    runtime: Runtime = Runtime()
    postgres: Postgres = Postgres()
    redis: Redis = Redis()
    ray: Ray = Ray()

    @property
    def name(self) -> str:
        """The region's name, as it stands at the head of every id: `us-…`."""
        return self.region.name

    @property
    def encrypted(self) -> bool:
        """Whether nothing may go over a network in plain text."""
        return self.tls.mode == "required"

    @property
    def tls_name(self) -> str:
        """The host name that must stand in the certificate of the cell's door."""
        return self.tls.name or f"{self.name}.ocefs.internal"

    @property
    def address(self) -> str:
        """Of the cell's door, as a URL."""
        host = f"[{self.api.host}]" if ":" in self.api.host else self.api.host
        return f"{self._scheme}://{host}:{self.api.port}"

    @property
    def ingress(self) -> str:
        """Of Serve's own ingress, as a URL."""
        return f"{self._scheme}://{INGRESS_HOST}:{self.api.serve_port}"

    @property
    def _scheme(self) -> str:
        return "https" if self.encrypted else "http"


class StoreAddresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where the cell's stores answer, as handed to `cells.deploy.deploy`.

    Attributes:
        postgres_url: libpq URL, `postgresql://user@/database?host=/socket/folder` or with host and
            port: as what the cell runs.
        owner_url: the same as the schema's owner, who migrates and keeps the audit.
        redis_url: `unix:///path/of/redis.sock` or `redis://host:port/db`.
    """

    postgres_url: str
    owner_url: str
    redis_url: str
