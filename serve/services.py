"""What the handlers work with. Built once in each Serve replica (and in tests), handed to `app.build`."""

from __future__ import annotations

from dataclasses import dataclass, field

from actors.runtime.ports import Clock, ReadModel
from serve.availability.index import AvailabilityIndex
from serve.cursors import Cursors
from serve.gateway import Gateway
from serve.live.hub import LiveHub
from serve.metrics import Metrics
from serve.settings import ApiSettings


@dataclass(slots=True)
class Services:
    """`index` and `live` are fed by the gateway: construction subscribes them."""

    settings: ApiSettings
    gateway: Gateway
    read_model: ReadModel
    clock: Clock
    index: AvailabilityIndex = field(init=False)
    live: LiveHub = field(init=False)
    cursors: Cursors = field(init=False)
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.index = AvailabilityIndex(settings.region, settings.lat, settings.lon)
        self.live = LiveHub(
            self.gateway.want_live,
            clients_max=settings.live_clients_max,
            queue_max=settings.live_queue_max,
            heartbeat_s=settings.live_heartbeat_s,
            stream_max_s=settings.live_max_s,
        )
        self.cursors = Cursors(settings.cursor_key)
        self.metrics = Metrics(settings.region)
        self.gateway.subscribe(self.index)
        self.gateway.subscribe(self.live)
