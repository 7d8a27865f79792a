"""The order in which a cell is chosen, as HAProxy rules.

    path /v1/<noun>/<id>…   the id's region; unknown → 404 router.region_unknown; a noun may be of two parts: sourcing/simulations
    X-OCEFS-Region          unknown, empty or twice → 400 router.region_unknown
    country header          a country that no region serves → go on
    client address          when an address database is configured; not in it → go on
    lat and lon             the nearest centre; not a place on Earth → go on
    default region

The first that gives a region wins; later ones are not looked at. Pure: regions and settings in, lines out. Each rule
that is off by configuration is left out, so that it costs nothing. The path is percent-decoded before it is taken
apart, because the cell decodes it before it routes: both must see the same id.
"""

import ipaddress
from collections.abc import Sequence

from router.config import RouterConfig
from router.problems import (
    BODY_TOO_LARGE,
    HEADERS_TOO_LARGE,
    NO_CELL,
    NOT_PUBLIC,
    ONLY_READ,
    REGION_UNKNOWN_HEADER,
    REGION_UNKNOWN_ID,
    answer,
    own_headers,
)
from router.topology import Region, default_region

REGION_HEADER = "X-OCEFS-Region"
OWN_BACKEND = "own"
OWN_PATHS = ("/healthz", "/readyz", "/router/status")
# How many trusted proxies in a row are looked behind.
_PROXY_HOPS = 3


def rules(config: RouterConfig, regions: Sequence[Region]) -> list[str]:
    """All rules of the public frontend, in order. Maps are named as files beside haproxy.cfg."""
    return [
        *_identity(config),
        f"acl own_path path,url_dec -m str {' '.join((*OWN_PATHS, *config.private_paths))}",
        *_head(config),
        f"http-request {answer(BODY_TOO_LARGE)} if {{ req.body_size gt {config.body_bytes_max} }}",
        *choice(config, regions),
        *failover(config, regions),
        *_for_the_cell(),
        f"use_backend {OWN_BACKEND} if own_path",
        "use_backend cell_%[var(txn.region)]",
    ]


def choice(config: RouterConfig, regions: Sequence[Region]) -> list[str]:
    """The rules that set `txn.region`, in the order of the module's docstring."""
    names: dict[str, str | list[str]] = {"regions": [region.name for region in regions]}
    given = f"req.fhdr_cnt({REGION_HEADER})"
    choose = "http-request set-var(txn.region)"
    lines = ["acl chosen var(txn.region) -m len gt 0"]
    for parts in (1, 2):
        nouns = " ".join(f"v1/{noun}" for noun in config.id_nouns if noun.count("/") == parts - 1)
        if not nouns:
            continue
        # Nearly all have one part: what is chosen by then is not looked at again.
        of, only = ("", "") if parts == 1 else ("_of_two", "!chosen ")
        id_ = f"path,url_dec,field({3 + parts},/)"
        lines += [
            f"acl id_path{of} path,url_dec,field(2,/,{1 + parts}) -m str {nouns}",
            f"acl id_given{of} {id_} -m len gt 0",
            f"{choose} {id_},field(1,-),map_str(regions.map) if {only}id_path{of}",
            f"http-request {answer(REGION_UNKNOWN_ID, names)} if !chosen id_path{of} id_given{of}",
        ]
    lines += [
        f"acl region_given {given} gt 0",
        f"acl region_given_once {given} eq 1",
        f"{choose} req.fhdr({REGION_HEADER}),lower,map_str(regions.map) if !chosen region_given_once",
        f"http-request {answer(REGION_UNKNOWN_HEADER, names)} if !chosen region_given !own_path",
        f"{choose} req.fhdr({config.country_header}),upper,map_str(countries.map) if !chosen",
    ]
    if config.mmdb:
        lines.append(f"{choose} src,map_ip(addresses.map) if !chosen")
    return [
        *lines,
        "acl place_given url_param(lat) -m found",
        f"{choose} lua.nearest_region if !chosen place_given {{ url_param(lon) -m found }}",
        f"{choose} str({default_region(regions).name}) if !chosen",
    ]


def failover(config: RouterConfig, regions: Sequence[Region]) -> list[str]:
    """Rules that send shared reads of an open region elsewhere while its cell is away.

    Shared reads are GET of exactly `failover_paths`: no entity, no personal data. A caller who named the
    region gets no other one (another region's stock under that name would be wrong), nor does one who carries a
    cursor or a token (they belong to the cell that gave them: another would say that nobody is signed in).
    """
    names = {region.name for region in regions}
    lines: list[str] = []
    for region in regions:
        others = [other for other in region.failover if other in names]
        if region.residency == "strict" or not others:
            continue
        may = f"if METH_GET shared_read !region_given !cursor_given !token_given {{ var(txn.region) -m str {region.name} }}"
        lines += [
            f"http-request set-var(txn.away) str({region.name}) {may} !{{ srv_is_up(cell_{region.name}/cell) }}",
            f"http-request set-var(txn.away) str({region.name}) {may} {{ srv_weight(cell_{region.name}/cell) eq 0 }}",
            # once one of the others is chosen, txn.region is no longer this one
            *(
                f"http-request set-var(txn.region) str({other}) if {{ var(txn.away) -m found }} "
                f"{{ var(txn.region) -m str {region.name} }} {up(other)}"
                for other in others
            ),
        ]
    if not lines or not config.failover_paths:
        return []
    return [
        f"acl shared_read path {' '.join(config.failover_paths)}",
        "acl cursor_given url_param(cursor) -m found",
        "acl token_given req.hdr(Authorization) -m found",
        *lines,
    ]


def up(region: str) -> str:
    """The condition that a cell takes requests: its checks pass, and it is not drained (weight 0)."""
    return f"{{ srv_is_up(cell_{region}/cell) }} {{ srv_weight(cell_{region}/cell) gt 0 }}"


def _identity(config: RouterConfig) -> list[str]:
    """Who asks: the request id and the client's address, from others only when we trust them."""
    lines = [
        # a UUID, as the cell wants it (serve/context.py), else a new one: ids go into logs, and what callers put
        # together themselves has references, names and numbers in it
        "acl request_id_fit req.fhdr(X-Request-Id) -m reg ^[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}$",
        "http-request set-header X-Request-Id %[uuid()] unless request_id_fit",
        "http-request set-var(txn.request_id) req.fhdr(X-Request-Id)",
    ]
    scheme = "https" if config.encrypted else "http"
    if not config.trusted_proxies:
        # over plain HTTP none is said, and a caller's own word does not count
        told = "set-header X-Forwarded-Proto https" if config.encrypted else "del-header X-Forwarded-Proto"
        return [*lines, f"http-request {told}"]
    trusted = "src -f trusted.lst"
    lines.append(
        f"http-request set-header X-Forwarded-Proto {scheme} "
        f"unless {{ {trusted} }} {{ req.fhdr(X-Forwarded-Proto) -m str http https }}"
    )
    # each hop is looked behind only if the one in front of it is trusted, so a caller can't choose its address; where
    # one says what is no address, those behind it are the caller's own word
    seen = ""
    for hop in range(1, _PROXY_HOPS + 1):
        address = f"req.hdr_ip(X-Forwarded-For,-{hop})"
        lines.append(f"http-request set-src {address} if {{ {trusted} }}{seen}")
        seen += f" {{ {address} -m found }}"
    return lines


def _head(config: RouterConfig) -> list[str]:
    """What of the head is too large, as long as a buffer of HAProxy holds all of it: what it does
    not hold never gets here."""
    refused, limit = f"http-request {answer(HEADERS_TOO_LARGE)} if", config.header_bytes_max
    return [f"{refused} {{ {what},length gt {limit} }}" for what in ("req.hdrs", "url")]


def own_answers(config: RouterConfig, regions: Sequence[Region]) -> list[str]:
    """What the router answers without a cell: its health, and what is not public. A backend of its own: in the frontend
    each of these paths would be compared with that of each request."""
    states = ",".join(f'"{region.name}":%[srv_is_up(cell_{region.name}/cell)]' for region in regions)
    ok, told = "return status 200 content-type application/json", own_headers()
    written = f"{{ path,url_dec -m str {' '.join(OWN_PATHS)} }} !METH_GET"  # of HAProxy's: HEAD is one
    return [
        f'http-request {answer(ONLY_READ)} hdr Allow "GET, HEAD" if {written}',
        f'http-request {ok} string \'{{"status":"ok"}}\' {told} if {{ path,url_dec -m str /healthz }}',
        *(
            f'http-request {ok} string \'{{"status":"ready"}}\' {told} if {{ path,url_dec -m str /readyz }} {up(region.name)}'
            for region in regions
        ),
        f"http-request {answer(NO_CELL)} hdr Retry-After {config.retry_after_s} if {{ path,url_dec -m str /readyz }}",
        f"http-request {ok} lf-string '{{\"cells_up\":{{{states}}}}}' {told} if {{ path,url_dec -m str /router/status }}",
        f"http-request {answer(NOT_PUBLIC)}",
    ]


def _for_the_cell() -> list[str]:
    """What the cell is told about the request."""
    return [
        "http-request set-header X-Forwarded-For %[src]",
        "http-request del-header Forwarded",
        # every write carries a key under which the cell answers once, so only what carries none must not be repeated
        "http-request disable-l7-retry unless METH_GET or { req.fhdr_cnt(Idempotency-Key) gt 0 }",
    ]


def trusted_list(config: RouterConfig) -> str:
    """The file of networks whose X-Forwarded-For counts, one a line."""
    return "".join(f"{ipaddress.ip_network(proxy)}\n" for proxy in config.trusted_proxies)


def regions_map(regions: Sequence[Region]) -> str:
    """The file that says which regions there are: name to name."""
    return "".join(f"{region.name} {region.name}\n" for region in regions)


def countries_map(regions: Sequence[Region], changes: dict[str, str] | None = None) -> str:
    """The file from ISO country to region, with changes that were made at run time ("" takes a country out)."""
    owner = {country: region.name for region in regions for country in region.countries} | (changes or {})
    return "".join(f"{country} {name}\n" for country, name in sorted(owner.items()) if name)
