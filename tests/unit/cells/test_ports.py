"""Two cells on one machine must share no port, no file and no session folder."""

from pathlib import Path

from cells.config import CONFIG_FOLDER, load_all
from cells.paths import CellPaths
from cells.ports import haproxy_connections, head_command, ray_environment, ray_ports

LONG_HOME = Path("/home/somebody/a/rather/long/path/to/the/project/of/this/person/.ocefs")


def _cells():
    return [(config, CellPaths(config.name, LONG_HOME)) for config in load_all(folder=CONFIG_FOLDER)]


def test_two_cells_share_a_port():
    taken: dict[int, str] = {}
    for config, _ in _cells():
        for port in [*ray_ports(config).all(), config.api.port, config.api.serve_port]:
            assert port not in taken, f"{port} of {config.name} is also of {taken[port]}"
            taken[port] = config.name
    assert max(taken) < 32768, "ports above are handed out by Linux for outgoing connections"


def test_a_port_of_ray_keeps_its_default():
    (config, paths), *_ = _cells()
    command = head_command(config, paths, "python")
    for option in [
        "port",
        "node-manager-port",
        "object-manager-port",
        "dashboard-port",
        "dashboard-agent-grpc-port",
        "dashboard-agent-listen-port",
        "runtime-env-agent-port",
        "metrics-export-port",
        "ray-client-server-port",
        "min-worker-port",
        "max-worker-port",
        "temp-dir",
        "num-cpus",
        "object-store-memory",
        "dashboard-host",
    ]:
        assert any(part.startswith(f"--{option}=") for part in command), option
    assert "--dashboard-host=127.0.0.1" in command
    assert "--node-ip-address=127.0.0.1" in command


def test_two_cells_share_an_environment_value_that_names_a_port_or_a_file():
    seen: dict[str, str] = {}
    for config, paths in _cells():
        for key, value in ray_environment(config, paths).items():
            if value.startswith("/") or "PORT" in key.split("_") or key == "RAY_ADDRESS":
                assert value not in seen, f"{key} of {config.name} is also {seen[value]}"
                seen[value] = f"{key} of {config.name}"


def test_tokens_are_off_or_ray_listens_on_all_interfaces():
    (config, paths), *_ = _cells()
    environment = ray_environment(config, paths)
    assert environment["RAY_AUTH_MODE"] == "token"
    assert environment["RAY_AUTH_TOKEN_PATH"] == str(paths.ray_token)
    assert environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"
    assert environment["RAY_SERVE_ENABLE_HA_PROXY"] == "1"


def test_a_socket_path_is_too_long_for_the_kernel_or_haproxy():
    node, session = "f" * 56, "session_2026-11-22_17-33-41_552790_9999999"
    for name in ("us", "latam", "z" * 16):
        paths = CellPaths(name, LONG_HOME)
        assert len(f"{paths.haproxy}/{node}/metrics.sock") <= 97
        assert len(f"{paths.ray_temp}/{session}/sockets/plasma_store") <= 107
        assert len(f"{paths.postgres_socket}/.s.PGSQL.5432.lock") <= 107
        assert len(f"{paths.redis_socket}/redis.sock") <= 107


def test_haproxy_is_told_more_connections_than_open_files_allow():
    assert haproxy_connections(1 << 20) == 20_000
    assert haproxy_connections(20_000) * 2.5 + 50 < 20_000
    assert haproxy_connections(1024) == 1000
