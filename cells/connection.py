"""Connect a program to a cell's Ray cluster: what deploys, scales, measures or breaks it on purpose."""

import os
import threading
import time

from cells.errors import RayFailed
from cells.paths import CellPaths
from cells.ports import ray_ports
from cells.ray_cluster import cell_environment
from cells.settings import RegionConfig
from cells.stores import store_addresses

NAMESPACE = "ocefs"
# What Serve needs to end, once all calls are answered.
_SERVE_ENDS_S = 8.0
_SERVE_NAMESPACE = "serve"
_POLL_S = 0.5


def connect(config: RegionConfig, paths: CellPaths | None = None) -> None:
    """Make this process a driver of the region's cluster. Must come before anything imports Ray.

    Raises:
        RayFailed: the cluster does not answer.
    """
    os.environ.update(cell_environment(config, paths or CellPaths(config.name)))
    import ray  # only now: Ray reads its environment when it is imported

    try:
        ray.init(
            address=f"127.0.0.1:{ray_ports(config).gcs}",
            namespace=NAMESPACE,
            log_to_driver=False,
            logging_level="WARNING",
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise RayFailed(
            f"the Ray cluster of {config.name} does not answer: {error}", f"start it: python -m cells up {config.name}"
        ) from error


def deploy(config: RegionConfig, paths: CellPaths) -> None:
    """Bring hosts and API up in the region's cluster."""
    connect(config, paths)
    from cells.deploy import deploy as deploy_cell

    deploy_cell(config, store_addresses(config, paths))


def withdraw(config: RegionConfig, paths: CellPaths) -> None:
    """Let API and hosts finish what they have: the API first, so that nothing new arrives at the hosts."""
    connect(config, paths)
    from cells.deploy import withdraw as withdraw_cell

    closing = threading.Thread(target=_close_api, daemon=True)
    closing.start()
    closing.join(_SERVE_ENDS_S + config.api.erasure_s_max)  # what is left of Serve then ends with Ray
    withdraw_cell(config, store_addresses(config, paths))


def _close_api() -> None:
    """Returns when nothing of Serve is left: `shutdown` waits for half a minute and comes back in any case."""
    import ray
    from ray import serve

    while any(actor["namespace"] == _SERVE_NAMESPACE for actor in ray.util.list_named_actors(all_namespaces=True)):
        serve.shutdown()
        time.sleep(_POLL_S)
