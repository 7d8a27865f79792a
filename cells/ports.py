"""Every port and every environment variable of a cell's Ray cluster, computed from `[ray] port_base`. Pure.

Several Ray clusters run on one machine only if they share no port, no session folder and no HAProxy file. The span of
a cell (`RAY_PORT_SPAN` ports) is divided so:

    +0 … +10     GCS, node manager, object manager, agents, metrics, client server, HAProxy's metrics and statistics
    +100 … +199  Serve replicas' HTTP (behind Serve's own HAProxy)
    +200 … +299  Serve replicas' gRPC
    +300 … +999  Ray workers
"""

from pathlib import Path

import msgspec

from cells.certs import ca_file
from cells.paths import CellPaths
from cells.settings import RAY_PORT_SPAN, RegionConfig
from cells.tls import inside_pair


class RayPorts(msgspec.Struct, frozen=True, kw_only=True):
    """The ports of one cell's Ray cluster; ranges are first and last, both included."""

    gcs: int
    node_manager: int
    object_manager: int
    dashboard_agent_grpc: int
    dashboard_agent_http: int
    runtime_env_agent: int
    metrics_export: int
    client_server: int
    haproxy_metrics: int
    haproxy_stats: int
    dashboard_metrics: int
    fallback_http: int
    fallback_grpc: int
    dashboard: int
    replica_http: tuple[int, int]
    replica_grpc: tuple[int, int]
    workers: tuple[int, int]

    def single(self) -> dict[str, int]:
        """The ports that are taken at once when the cluster starts, by name."""
        values = {field: getattr(self, field) for field in self.__struct_fields__}
        return {name: value for name, value in values.items() if isinstance(value, int)}

    def all(self) -> list[int]:
        """Every port that the cluster may ever take."""
        ranges = (self.replica_http, self.replica_grpc, self.workers)
        return [*self.single().values(), *(port for first, last in ranges for port in range(first, last + 1))]


def ray_ports(config: RegionConfig) -> RayPorts:
    """The ports of a cell's Ray cluster."""
    base = config.ray.port_base
    return RayPorts(
        gcs=base,
        node_manager=base + 1,
        object_manager=base + 2,
        dashboard_agent_grpc=base + 3,
        dashboard_agent_http=base + 4,
        runtime_env_agent=base + 5,
        metrics_export=base + 6,
        client_server=base + 7,
        haproxy_metrics=base + 8,
        haproxy_stats=base + 9,
        dashboard_metrics=base + 10,
        fallback_http=base + 11,
        fallback_grpc=base + 12,
        dashboard=config.ray.dashboard_port,
        replica_http=(base + 100, base + 199),
        replica_grpc=(base + 200, base + 299),
        workers=(base + 300, base + RAY_PORT_SPAN - 1),
    )


def head_command(config: RegionConfig, paths: CellPaths, python: str) -> list[str]:
    """The command that runs the cell's Ray head in the foreground, all on loopback."""
    ports = ray_ports(config)
    options = {
        "node-ip-address": "127.0.0.1",
        "node-name": f"{config.name}-head",
        "port": ports.gcs,
        "node-manager-port": ports.node_manager,
        "object-manager-port": ports.object_manager,
        "dashboard-agent-grpc-port": ports.dashboard_agent_grpc,
        "dashboard-agent-listen-port": ports.dashboard_agent_http,
        "runtime-env-agent-port": ports.runtime_env_agent,
        "metrics-export-port": ports.metrics_export,
        "ray-client-server-port": ports.client_server,
        "min-worker-port": ports.workers[0],
        "max-worker-port": ports.workers[1],
        "include-dashboard": "true",
        "include-log-monitor": "false",  # it sends what workers print to drivers, and none of ours asks for that
        "dashboard-host": "127.0.0.1",
        "dashboard-port": ports.dashboard,
        "temp-dir": paths.ray_temp,
        "num-cpus": config.ray.num_cpus,
        "object-store-memory": config.ray.object_store_mb * 1024 * 1024,
    }
    command = [python, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"]
    command.append("--no-monitor")  # the autoscaler's: a cell's nodes are not its affair
    return command + [f"--{key}={value}" for key, value in options.items()]


def haproxy_connections(open_files_max: int) -> int:
    """How many connections HAProxy may be told to take: it refuses to start when the open files don't suffice.

    It wants two and a half files per connection and a few dozen for itself. 20,000 is plenty for a cell, 1,000 the
    least that makes sense.
    """
    return max(1000, min(20_000, (open_files_max - 200) * 10 // 26))


def ray_environment(config: RegionConfig, paths: CellPaths, open_files_max: int = 1 << 20) -> dict[str, str]:
    """The environment that Ray and Serve of this cell need, on top of the ordinary one.

    The keeper gives it to the Ray head (workers inherit it) and to every program that talks to this cluster.

    Args:
        config: the region.
        paths: its folders.
        open_files_max: hard limit of open files of a process here.
    """
    ports = ray_ports(config)
    haproxy: Path = paths.haproxy
    return {
        "RAY_ADDRESS": f"127.0.0.1:{ports.gcs}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(paths.ray_token),
        **_ray_tls(config, paths),
        "RAY_TMPDIR": str(paths.ray_temp),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",  # 15 by default: hosts and the API would wait for everything else on the machine
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",  # the keeper has let Serve and the hosts finish before
        # Ray takes the loopback address as a node's own only where it is told that there is just this one node;
        # otherwise it looks for an address that others reach, and every part of it listens on all interfaces.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "DASHBOARD_METRIC_PORT": str(ports.dashboard_metrics),
        # What goes on in a cell when nothing does took a sixth of a core, much of it in rounds that nobody waits for.
        # Serve looks four times a second instead of ten whether something is to be done, and Ray says once a second
        # what is free on its only node.
        "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.25",
        "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "1000",
        "RAY_raylet_report_resources_period_milliseconds": "1000",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        # 5 s by default: three cells that start on two cores from a cold disk take longer, and
        # Serve would give up its ingress
        "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "45",
        "RAY_SERVE_HAPROXY_MAXCONN": str(haproxy_connections(open_files_max)),
        "RAY_SERVE_HAPROXY_NBTHREAD": "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "3",  # its health checks see an end within 250 ms
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(haproxy / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(haproxy / "admin.sock"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(haproxy / "metrics.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(haproxy),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(haproxy / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(ports.haproxy_metrics),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(ports.haproxy_stats),
        # Serve's own proxy behind its HAProxy. All cells of a machine would share the default ports, and the kernel
        # would spread requests over them: one region's to another's cell.
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(ports.fallback_http),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(ports.fallback_grpc),
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(ports.replica_http[0]),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(ports.replica_http[1]),
        "RAY_SERVE_DIRECT_INGRESS_MIN_GRPC_PORT": str(ports.replica_grpc[0]),
        "RAY_SERVE_DIRECT_INGRESS_MAX_GRPC_PORT": str(ports.replica_grpc[1]),
    }


def _ray_tls(config: RegionConfig, paths: CellPaths) -> dict[str, str]:
    """Ray's own TLS, mutual: who talks to any of its gRPC ports must show a certificate of the local CA,
    beside the cell's token."""
    if not config.encrypted:
        return {"RAY_USE_TLS": "0"}
    pair = inside_pair(config, paths.home)
    return {
        "RAY_USE_TLS": "1",
        "RAY_TLS_SERVER_CERT": str(pair.certificate),
        "RAY_TLS_SERVER_KEY": str(pair.key),
        "RAY_TLS_CA_CERT": str(ca_file(paths.home)),
    }
