"""What the handlers work with. Built once in each Serve replica (and in tests), handed to `app.build`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from actors.domain.audit import DONE, Act
from actors.runtime.alerts import AlertList
from actors.runtime.audit_lines import AuditLines
from actors.runtime.figures import FiguresList
from actors.runtime.ports import Clock
from actors.runtime.read_model import ReadModel
from partners.carrier import Carrier
from serve.audit.trail import Trail
from serve.availability.index import AvailabilityIndex
from serve.cursors import Cursors
from serve.figures.nothing import NoFigures
from serve.figures.telling import FiguresTelling
from serve.gateway import Gateway
from serve.identity.activity import Activity, MemoryActivity, SharedActivity
from serve.identity.ended import EndedSessions
from serve.identity.guard import Guard
from serve.identity.keyring import KeyringWatch
from serve.identity.limits import MemoryRateLimits, RateLimits, Routers
from serve.keys.data_keys import DataKeys
from serve.keys.file_key import FileKey
from serve.keys.port import RegionKey
from serve.live.hub import LiveHub
from serve.metrics import Metrics
from serve.notices.port import Notifications
from serve.packing.carriers import carriers_of
from serve.privacy.gpc import PrivacySignals
from serve.requests import BodyReader
from serve.settings import ApiSettings
from serve.sourcing.playing import Playing


async def _nothing() -> None:
    pass


@dataclass(slots=True)
class Services:
    """`index` and `live` are fed by the gateway: construction subscribes them. `audit`, `alerts`: None in a cell that
    keeps none. `close` ends what the replica's composition opened (the gateway, connections); it is called once, when
    nothing is being served any more.
    `notifications`: how people are written to, None for `notices/outbox.py`. `region_key`: what wraps data
    keys, None for the key file.
    `carriers`: by name, those of the settings unless others are given. `playing`: how a past is played, None for a
    process beside the replica.
    `data_keys`, `signals`: None in a cell without identity, which seals nothing and knows nobody."""

    settings: ApiSettings
    gateway: Gateway
    read_model: ReadModel
    clock: Clock
    limits: RateLimits = field(default_factory=MemoryRateLimits)
    shared_activity: SharedActivity = field(default_factory=MemoryActivity)
    audit: AuditLines | None = None
    alerts: AlertList | None = None
    figures: FiguresList = field(default_factory=NoFigures)
    close: Callable[[], Awaitable[None]] = _nothing
    notifications: Notifications | None = None
    region_key: RegionKey | None = None
    carriers: Mapping[str, Carrier] = field(default_factory=dict)
    playing: Playing | None = None
    index: AvailabilityIndex = field(init=False)
    live: LiveHub = field(init=False)
    cursors: Cursors = field(init=False)
    metrics: Metrics = field(init=False)
    bodies: BodyReader = field(init=False)
    ended: EndedSessions = field(init=False)
    keys: KeyringWatch | None = field(init=False)
    data_keys: DataKeys | None = field(init=False)
    signals: PrivacySignals | None = field(init=False)
    routers: Routers = field(init=False)
    activity: Activity = field(init=False)
    guard: Guard = field(init=False)
    trail: Trail = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.index = AvailabilityIndex(settings.region, settings.lat, settings.lon)
        self.index.steering.begin(settings.sourcing, settings.currency)
        self.carriers = self.carriers or carriers_of(settings.packing, self.clock)
        self.live = LiveHub(
            self.gateway.want_live,
            self.gateway.is_told_live,
            clients_max=settings.live_clients_max,
            queue_max=settings.live_queue_max,
            heartbeat_s=settings.live_heartbeat_s,
            stream_max_s=settings.live_max_s,
        )
        self.live.want_figures = FiguresTelling(settings.region, self.live, self.figures, self.clock).want
        self.cursors = Cursors(settings.cursor_key)
        self.metrics = Metrics(settings.region)
        self.metrics.live_clients = lambda: self.live.clients
        self.ended = EndedSessions(self.clock)
        self.keys = KeyringWatch(Path(settings.keyring)) if settings.keyring else None
        self.data_keys = self._data_keys()
        self.signals = None
        if self.data_keys is not None:
            self.signals = PrivacySignals(settings.region, self.gateway, self.data_keys, self.clock)
        self.routers = Routers(settings.router_networks)
        self.activity = Activity(self.shared_activity, self.clock)
        self.guard = Guard(
            settings.region,
            required=settings.identity == "required",
            keys=self.keys,
            ended=self.ended,
            clock=self.clock,
            routers=self.routers,
            activity=self.activity,
        )
        self.bodies = BodyReader(
            settings.max_body_bytes, settings.body_timeout_s, self._key_digest, self.guard.check_again
        )
        others = settings.other_regions | frozenset(settings.other_countries.values())
        self.trail = Trail(settings.region, others, self.gateway, self.clock, self.routers)
        if self.keys is not None and settings.identity == "required":
            # The file of the region's key, if that is in one, is the same; one watch tells.
            self.keys.told = self._keyring_changed
        self.ended.listeners.append(self.live.end_session)
        if self.data_keys is not None:
            self.ended.listeners.append(self.data_keys.changed)
        self.gateway.subscribe(self.ended)
        self.gateway.subscribe(self.index)
        self.gateway.subscribe(self.live)

    def _data_keys(self) -> DataKeys | None:
        settings, watch = self.settings, self.keys
        if settings.identity != "required":
            return None
        if watch is None:
            # Never in the clear for want of a key.
            raise RuntimeError("a cell with identity needs its key file")
        region_key = self.region_key or FileKey(watch, self.clock)
        return DataKeys(settings.region, self.gateway, self.read_model, region_key, watch, self.clock)

    def _keyring_changed(self, before: str, after: str) -> None:
        """A key file that is missing or open to others is no reason to stop: the keys are those that were good.
        But it is written down."""
        act = Act("keyring.look", "", "", {"wrong": (before, after)})
        self.trail.note(act, f"keyring.{after}" if after else DONE)

    def _key_digest(self, key: str) -> str:
        # Called for whoever has a token, which was just checked with the keys.
        assert self.keys is not None
        return self.keys.latest.idempotency_digest(key)
