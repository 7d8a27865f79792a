"""The no-op route is what availability is measured against, so it stands behind the cell's own door."""

import httpx

from perf.comparison import workers


def test_the_no_op_does_not_come_up_behind_the_door_of_a_cell():
    with workers("noop", 1, "") as base:
        assert httpx.get(f"{base}/noop", timeout=60).status_code == 200
        # What the door adds: uvicorn's own protocol would take a head of that size.
        assert httpx.get(f"{base}/noop", headers={"x": "y" * 20_000}, timeout=60).status_code == 431
