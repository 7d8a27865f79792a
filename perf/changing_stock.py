"""Stock that changes all the time, while something else is measured: small receipts of the benchmark's
SKUs at both locations."""

import asyncio
import json
import random
import threading
from itertools import count
from types import TracebackType

from perf.credentials import NOBODY, Credentials
from perf.goods import COLD_SKUS, HOT_SKUS, PLACES
from perf.http_pool import HttpPool, post
from perf.run_names import new_run

CHANGES_PER_S = 100
CONNECTIONS = 4
HOT_SHARE = 0.8


class ChangingStock:
    """From entering to leaving, `changes_per_s` receipts a second, each of one unit. `done`: those that were taken;
    `refused`: answered otherwise."""

    def __init__(self, base: str, credentials: Credentials = NOBODY, changes_per_s: float = CHANGES_PER_S) -> None:
        self._base = base
        self._credentials = credentials
        self._pause_s = 1 / changes_per_s
        self._chance = random.Random(13)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work()), name="changing stock", daemon=True)
        self.done = 0
        self.refused = 0

    async def _work(self) -> None:
        run, clock = new_run(), asyncio.get_running_loop().time
        async with HttpPool(self._base, CONNECTIONS, self._credentials) as pool, asyncio.TaskGroup() as group:
            began = clock()
            for number in count():
                await asyncio.sleep(max(0.0, began + number * self._pause_s - clock()))
                if self._ending.is_set():
                    return
                group.create_task(self._receive(pool, f"bench-{run}-{number}"))

    async def _receive(self, pool: HttpPool, key: str) -> None:
        place, *_ = self._chance.choice(PLACES)
        sku = self._chance.choice(HOT_SKUS if self._chance.random() < HOT_SHARE else COLD_SKUS)
        body = json.dumps({"lines": [{"sku": sku, "quantity": 1}]}).encode()
        reply = await pool.ask(post(pool.host, f"/v1/locations/{place}/receipts", key, body))
        self.done += reply.status == 200
        self.refused += reply.status != 200

    def __enter__(self) -> "ChangingStock":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._ending.set()
        self._thread.join()
