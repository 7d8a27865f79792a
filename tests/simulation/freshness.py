"""Lists say how fresh they are: what was acknowledged before that moment must be in the store. Looked at again and
again while a world runs."""

from __future__ import annotations

from typing import Any

from tests.simulation.told import Told

# Two hosts' clocks may differ by so much.
SKEW_MS = 300
# So long after shards went to another host a gateway may say too much (`Gateway.fresh_ms`).
MAP_S = 3.0


class Freshness:
    """What was acknowledged of orders and has not been seen in the store yet."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._open: list[tuple[int, str, int]] = []
        self._map_version, self._map_since = -1, 0.0
        self.checked = 0

    def acknowledged(self, told: Told) -> None:
        """An order's change was."""
        fields = told.fields()
        self._open.append((self._world.now_ms(), fields["order_id"], fields["version"]))

    def look(self) -> None:
        """Complains of each gateway that says too much now."""
        world, now = self._world, self._world.loop.time()
        version = world.supervisor.map().version
        if version != self._map_version:
            self._map_version, self._map_since = version, now
        if now - self._map_since < MAP_S:
            return
        stored = world.store_disk.rows.get("orders", {})
        for door in world.doors:
            fresh_ms = door.gateway.fresh_ms()
            if fresh_ms is None or door.gateway._map.version != version:
                continue
            claimed = [one for one in self._open if one[0] + SKEW_MS < fresh_ms]
            for at_ms, order_id, order_version in claimed:
                row = stored.get((order_id,))
                if row is None or row.version < order_version:
                    world.complain(
                        f"{door.process.name} says that lists are of {fresh_ms}, but {order_id} version {order_version}, "
                        f"acknowledged at {at_ms}, is not in the store"
                    )
            self.checked += len(claimed)
            self._open = [one for one in self._open if one not in claimed]
