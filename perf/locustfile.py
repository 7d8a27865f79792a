"""The Locust suite: customers, store associates and warehouse staff of three regions on a Black Friday.

`python -m perf.load` (or `make load`) starts it with its defaults; or run `locust -f perf/locustfile.py` yourself.
Settings: USERS (at the peak), MINUTES, REGIONS.
"""

from locust import LoadTestShape

from perf.scenarios.associates import StoreAssociate
from perf.scenarios.customers import Customer
from perf.scenarios.shape import MINUTES_DEFAULT, USERS_DEFAULT, positive, users_at
from perf.scenarios.warehouse import WarehouseWorker

__all__ = ["BlackFriday", "Customer", "StoreAssociate", "WarehouseWorker"]

SPAWNED_PER_S_MIN = 5


class BlackFriday(LoadTestShape):
    """Quiet, ramp, a peak of twice the ramp's end, tail."""

    users_peak = int(positive("USERS", USERS_DEFAULT))
    seconds = positive("MINUTES", MINUTES_DEFAULT) * 60

    def tick(self) -> tuple[int, float] | None:
        """Users wanted now and how many may come or go a second; None ends the test."""
        users = users_at(self.get_run_time() / self.seconds, self.users_peak)
        return None if users is None else (users, max(SPAWNED_PER_S_MIN, self.users_peak / 5))
