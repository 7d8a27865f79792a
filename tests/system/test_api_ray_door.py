"""One app, two doors, under a real Ray Serve."""

import time
from functools import partial
from pathlib import Path

import httpx
import pytest
import ray
from ray import serve as ray_serve

from perf.ports import free_ports
from serve.ray_door import deployment
from tests.unit.serve.small_cell import SETTINGS, make_services, order

PROJECT = Path(__file__).parents[2]


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.ray
@pytest.mark.timeout(480)
def test_a_replica_answers_at_both_doors_and_closes_its_own_when_it_goes(short_tmp):
    port, serve_port = free_ports(2)
    ray.init(
        address="local", num_cpus=2, include_dashboard=False, object_store_memory=100 * 1024 * 1024, log_to_driver=False,
        _temp_dir=str(short_tmp / "ray"), runtime_env={"env_vars": {"PYTHONPATH": str(PROJECT)}},
    )  # fmt: skip
    try:
        ray_serve.start(http_options={"host": "127.0.0.1", "port": serve_port, "location": "HeadOnly"})
        app = deployment(partial(make_services, port), name="us-api", replicas=1, settings=SETTINGS)
        ray_serve.run(app, name="ocefs", route_prefix="/")
        for door, available in ((port, 153), (serve_port, 151)):
            answer = httpx.get(f"http://127.0.0.1:{door}/v1/availability?sku=A1", timeout=20)
            assert answer.json()["skus"][0]["available"] == available
            headers = {"Idempotency-Key": f"key-{door}", "Content-Type": "application/json"}
            placed = httpx.post(f"http://127.0.0.1:{door}/v1/orders", json=order(), headers=headers, timeout=20)
            assert placed.status_code == 201
            assert httpx.get(f"http://127.0.0.1:{door}/openapi.json", timeout=20).status_code == 200
            # Who starts a cell asks both.
            assert httpx.get(f"http://127.0.0.1:{door}/readyz", timeout=20).status_code == 200
        ray_serve.delete("ocefs")
        deadline = time.monotonic() + 60
        while _answers(port):
            assert time.monotonic() < deadline, "the door is still open"
    finally:
        ray_serve.shutdown()
        ray.shutdown()
