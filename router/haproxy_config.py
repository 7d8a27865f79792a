"""The files that HAProxy runs from: pure functions of the settings, the regions and where the files lie.

haproxy.cfg     limits, timeouts, the public frontend, one backend a cell, statistics on loopback
regions.map     region → region: which regions there are
countries.map   ISO country → region
addresses.map   network → region, only when an address database is configured (see `router.addresses`)
trusted.lst     networks whose X-Forwarded-For counts
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from cells.tls import CIPHERS
from router import haproxy_rules
from router.config import RouterConfig
from router.problems import CELL_UNAVAILABLE, HAPROXY_ERRORS, NO_REQUEST, answer, error, for_statistics, quoted
from router.topology import Region, check_encryption, check_exposure, check_regions

LUA_FILE = Path(__file__).resolve().parent / "nearest.lua"
# Room that HAProxy keeps in each buffer for headers that it adds itself.
_REWRITE_BYTES = 1024
# Beside two file descriptors a connection: listeners, checks, logs, the admin socket and its clients.
_SPARE_DESCRIPTORS = 200


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where the files lie: `folder` holds what HAProxy reads, `socket` is its admin socket (a short path)."""

    folder: Path
    socket: Path

    def away(self, region: str) -> Path:
        """The socket between a region's backend and what answers while its cell is away."""
        return self.socket.parent / f"away_{region}.sock"

    @property
    def config(self) -> Path:
        """HAProxy's configuration file."""
        return self.folder / "haproxy.cfg"

    @property
    def addresses(self) -> Path:
        """Which region each network belongs to, when an address database is configured."""
        return self.folder / "addresses.map"

    @property
    def certificate(self) -> Path:
        """What callers are shown: certificate and key in one file, as HAProxy wants them."""
        return self.folder / "server.pem"


def descriptors_for(connections: int) -> int:
    """The file descriptors that so many client connections need: HAProxy insists on a second one each, to the cell."""
    return 2 * connections + _SPARE_DESCRIPTORS


def affordable_connections(wanted: int, descriptors: int) -> int:
    """How many client connections fit into a limit of file descriptors, at most `wanted`."""
    return max(100, min(wanted, (descriptors - _SPARE_DESCRIPTORS) // 2))


def files(
    config: RouterConfig,
    regions: Sequence[Region],
    places: Places,
    *,
    connections: int | None = None,
    country_changes: Mapping[str, str] | None = None,
    drained: Collection[str] = (),
) -> dict[str, str]:
    """All files but the address map, name → text.

    Args:
        config: the router's settings.
        regions: what is routed to.
        places: where HAProxy will find the files.
        connections: the limit of client connections, when fewer than configured can be had.
        country_changes: countries moved at run time, ISO code → region ("" for none).
        drained: regions whose cells get no new requests.

    Raises:
        TopologyError: the regions break a rule.
    """
    check_regions(regions)
    check_exposure(config.host, regions, encrypted=config.encrypted)
    check_encryption(config.encrypted, regions)
    limit = min(connections or config.connections_max, config.connections_max)
    texts = {
        places.config.name: haproxy_config(config, regions, places, limit, drained),
        "regions.map": haproxy_rules.regions_map(regions),
        "countries.map": haproxy_rules.countries_map(regions, dict(country_changes or {})),
    }
    if config.trusted_proxies:
        texts["trusted.lst"] = haproxy_rules.trusted_list(config)
    return texts


def haproxy_config(
    config: RouterConfig, regions: Sequence[Region], places: Places, connections: int, drained: Collection[str] = ()
) -> str:
    """The text of haproxy.cfg."""
    sections = [
        ("global", _global(config, regions, places, connections)),
        ("defaults", _defaults(config)),
        ("frontend public", _public(config, regions, places, connections)),
        *(
            (f"backend cell_{region.name}", _backend(config, region, places, drained=region.name in drained))
            for region in regions
        ),
        *((f"frontend away_{region.name}", _away(config, region, places)) for region in regions),
        (f"backend {haproxy_rules.OWN_BACKEND}", haproxy_rules.own_answers(config, regions)),
        ("frontend statistics", _statistics(config)),
    ]
    text = "# Computed by router/ from the regions and config/router.toml: edits here are lost.\n"
    for title, lines in sections:
        text += f"\n{title}\n" + "".join(f"    {line}\n" for line in lines)
    return text


def _global(config: RouterConfig, regions: Sequence[Region], places: Places, connections: int) -> list[str]:
    centres = " ".join(f"{region.name}={region.lat!r},{region.lon!r}" for region in regions)
    return [
        "default-path config",  # maps are named without a folder: a path inside a rule could not be quoted
        f"maxconn {connections}",
        f"nbthread {config.threads}",
        # Twice what a head may have: what is too large by less than that can be told so.
        f"tune.bufsize {2 * config.header_bytes_max + _REWRITE_BYTES}",
        f"tune.maxrewrite {_REWRITE_BYTES}",
        "tune.lua.maxmem 16",  # MB
        "hard-stop-after 30s",
        "noreuseport",  # a second router on this port must fail, not share it
        "log stdout format iso local0",
        f"stats socket {quoted(str(places.socket))} mode 600 level admin expose-fd listeners",
        "stats timeout 30s",
        "ssl-default-bind-options ssl-min-ver TLSv1.2",
        f"ssl-default-bind-ciphers {':'.join(CIPHERS)}",
        "ssl-default-server-options ssl-min-ver TLSv1.2",
        f"ssl-default-server-ciphers {':'.join(CIPHERS)}",
        f"lua-load-per-thread {quoted(str(LUA_FILE))} {centres}",
    ]


def _defaults(config: RouterConfig) -> list[str]:
    return [
        "mode http",
        "log global",
        "option http-keep-alive",
        # a caller's idle connection lives through a reload: closed at once, it would swallow
        # the request under way on it
        "option idle-close-on-response",
        "option dontlognull",
        # Of a head that does not come HAProxy would say so by a page of its own, which browsers that opened a
        # connection in advance take for an answer.
        *(f"errorfile {status} /dev/null" for status in NO_REQUEST),
        f"timeout connect {config.connect_timeout_ms}ms",
        f"timeout client {config.client_timeout_ms}ms",
        f"timeout server {config.cell_timeout_ms}ms",
        f"timeout http-request {config.request_timeout_ms}ms",
        f"timeout http-keep-alive {config.keep_alive_ms}ms",
        f"timeout queue {config.connect_timeout_ms}ms",
        f"timeout check {config.check_timeout_ms}ms",
        f"timeout tunnel {config.stream_timeout_s}s",
    ]


def _public(config: RouterConfig, regions: Sequence[Region], places: Places, connections: int) -> list[str]:
    tls = f" ssl crt {quoted(str(places.certificate))} alpn h2,http/1.1" if config.encrypted else ""
    lines = [f"bind {_address(config.host, config.port)}{tls}", f"maxconn {connections}"]
    if config.request_log == "off":
        lines.append("no log")
    else:
        # no address, path, query or header but the request id: the log carries no personal data
        lines.append(
            "log-format '%Ts.%ms %b status=%ST end=%ts method=%HM queue_ms=%Tw connect_ms=%Tc answer_ms=%Tr "
            "total_ms=%Ta bytes=%B request_id=%[var(txn.request_id)]'"
        )
        if config.request_log == "errors":
            lines.append("option dontlog-normal")
        if config.encrypted:
            # a handshake that failed never becomes a request
            lines.append("error-log-format '%Ts.%ms %b handshake=%[fc_err_str,json] tls=%[ssl_fc_err_str,json]'")
    if config.encrypted:
        header = "Strict-Transport-Security"  # RFC 6797; ours stands for the cell's
        told = f"set-header {header} 'max-age={config.hsts_max_age_s}; includeSubDomains'"
        lines.append(f"http-after-response {told if config.hsts_max_age_s else f'del-header {header}'}")
    lines += [
        error(problem, {}, config.retry_after_s) for problem in HAPROXY_ERRORS if problem.status not in NO_REQUEST
    ]
    return lines + haproxy_rules.rules(config, regions)


def _backend(config: RouterConfig, region: Region, places: Places, *, drained: bool) -> list[str]:
    """One cell: found dead by checks, and sooner by failing requests; its callers get a problem at once.

    A request on which the cell broke off before any answer is sent again, if it may be (see the rules): so a
    replica that restarts is not seen. A drained cell is so from the first request on (its weight). `fall`, the interval
    and the timeout keep the promise of 3 s. While the cell is dead or drained, the server `away` answers in its place,
    also to requests that were in flight to a cell that hangs (HAProxy alone would close those
    connections without a word).
    """
    interval, address = config.check_interval_ms, _address(region.host, region.port)
    checks = (
        f"inter {interval}ms fastinter {interval // 2}ms downinter {interval}ms fall 2 rise 1 "
        "observe layer4 error-limit 3 on-error sudden-death on-marked-down shutdown-sessions"
    )
    limits = f"maxconn {config.cell_connections_max} maxqueue {config.cell_queue_max}"
    extra: dict[str, str | list[str]] = {"region": region.name}
    streams = [
        f"http-request set-timeout server {config.stream_timeout_s}s if METH_GET {{ path {path} }}"
        for path in config.stream_paths
    ]
    return [
        *streams,
        # the cell is asked once the body is here (or a buffer of it): a slow sender holds none of its connections,
        # and a request that the cell broke off on can be sent once more with its body
        "option http-buffer-request",
        "option httpchk",
        f"http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host {address} hdr Connection close",
        "http-check expect status 200",
        "http-reuse always",
        "retries 3",
        "option redispatch 1",  # else the second try is tied to the server even after it was found dead, and hangs
        "retry-on conn-failure empty-response",
        f"http-response set-header X-OCEFS-Cell {region.name} if {{ srv_name cell }}",
        "http-response set-header X-OCEFS-Failover-From %[var(txn.away)] if { var(txn.away) -m found } { srv_name cell }",
        *(error(problem, extra, config.retry_after_s) for problem in HAPROXY_ERRORS),
        f"server cell {address}{_verified(region)} check {checks} {limits} weight {0 if drained else 1} init-addr last,libc,none",
        f"server away unix@{quoted(str(places.away(region.name)))} backup",
    ]


def _verified(region: Region) -> str:
    """TLS to a cell; its name is checked, lest another cell is taken for it."""
    if not region.tls_ca:
        return ""
    return f" ssl verify required ca-file {quoted(region.tls_ca)} verifyhost {region.tls_name} alpn http/1.1"


def _away(config: RouterConfig, region: Region, places: Places) -> list[str]:
    """Answers in the place of a cell that is dead or drained."""
    return [
        f"bind unix@{quoted(str(places.away(region.name)))} mode 600",
        "no log",
        "http-request set-var(txn.request_id) req.fhdr(X-Request-Id)",
        f"http-request {answer(CELL_UNAVAILABLE, {'region': region.name})} hdr Retry-After {config.retry_after_s}",
    ]


def _statistics(config: RouterConfig) -> list[str]:
    return [
        f"bind 127.0.0.1:{config.stats_port}",
        "maxconn 100",
        "no log",
        "http-request use-service prometheus-exporter if { path /metrics }",
        "stats enable",
        "stats uri /",
        "stats refresh 5s",
        *for_statistics(),
    ]


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
