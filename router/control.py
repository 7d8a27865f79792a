"""Changes a running router: drains a cell, moves a country, takes a new address database; and watches over HAProxy.

Each change goes to HAProxy's admin socket (effective at once, nothing restarts) and is recorded, so that it outlives
a restart or reload of HAProxy; it ends with `stop`. Without this part, existing routes go on. One that a reload has
retired hears of no change: the one request that it still takes on each kept connection, within 30 s, goes as before.
"""

import os
import signal
import threading
import time
from pathlib import Path

import msgspec

from cells.errors import CellError
from cells.log_files import own_file
from cells.processes import is_alive, mark_of
from router.admin_socket import AdminError, AdminSocket
from router.haproxy_rules import countries_map
from router.process import certificate_changed, launch, record_control, refresh_addresses
from router.state import Plan, RouterBusy, RouterFolder

_WATCH_S = 0.5
# A certificate that HAProxy does not take is tried again after that.
_CERTIFICATE_AGAIN_S = 10.0


class Control:
    """Changes to the router of one home. Methods raise `CellError` when the router doesn't run or refuses."""

    def __init__(self, home: Path) -> None:
        self._router = RouterFolder(home)
        self._admin = AdminSocket(self._router.places.socket)
        self._certificate_after = 0.0

    def drain(self, region: str) -> None:
        """Give the cell no new requests; those in flight finish. Its callers get 503 until `resume`."""
        with self._router.locked():
            self._known(region)
            self._set_drained(region, tuple(dict.fromkeys((*self._router.changes().drained, region))))

    def resume(self, region: str) -> None:
        """End a drain."""
        with self._router.locked():
            self._known(region)
            self._set_drained(region, tuple(name for name in self._router.changes().drained if name != region))

    def set_country(self, country: str, region: str) -> None:
        """Send callers of an ISO country to `region`; "" leaves them to the later rules."""
        if not (len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()):
            raise CellError(f"{country!r} is no country", "write two capital letters (ISO 3166-1 alpha-2)")
        with self._router.locked():
            plan = self._known(region) if region else self._plan()
            changes = self._router.changes()
            changes = msgspec.structs.replace(changes, countries={**changes.countries, country: region})
            lines = countries_map(plan.regions, changes.countries).splitlines(keepends=True)
            self._admin.replace_map("countries.map", lines)
            self._router.save(changes)
            self._refresh_addresses(plan)

    def reload_addresses(self) -> bool:
        """Take the address database again if it changed; True if it did."""
        with self._router.locked():
            return self._refresh_addresses(self._plan())

    def watch(self) -> None:
        """Until SIGTERM or SIGINT: start HAProxy again if it dies, follow certificate and address
        database, bound the logs."""
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        problem = ""
        while not ended.wait(_WATCH_S):
            try:
                self._look_after()
                problem = ""
            except RouterBusy:
                continue  # a command is at work: look again later
            except (CellError, OSError) as error:
                if str(error) != problem:  # say it once, not twice a second
                    _say(str(error))
                problem = str(error)

    def take_over(self) -> None:
        """Record this process as the control part."""
        with self._router.locked():
            record_control(self._router, mark_of(os.getpid()))

    def _look_after(self) -> None:
        with self._router.locked(wait_s=0):
            plan, state = self._router.plan(), self._router.state()
            if plan is None or state.haproxy is None:
                return
            self._bound_log(plan.config.log_bytes_max)
            if not is_alive(state.haproxy):
                launch(self._router, plan, known_addresses=True)
                _say("HAProxy was gone and is started again")
            elif time.monotonic() >= self._certificate_after and certificate_changed(self._router, plan):
                self._certificate_after = time.monotonic() + _CERTIFICATE_AGAIN_S
                launch(self._router, plan, known_addresses=True)
                _say("a newer certificate is shown to callers")
            self._refresh_addresses(plan)

    def _refresh_addresses(self, plan: Plan) -> bool:
        return refresh_addresses(self._router, plan, self._offer_addresses)

    def _offer_addresses(self, file: Path) -> None:
        with file.open(encoding="ascii") as lines:
            self._admin.replace_map("addresses.map", lines)

    def _set_drained(self, region: str, drained: tuple[str, ...]) -> None:
        # Recorded first: who is killed in between leaves what the next HAProxy does, not a drain that it forgets.
        changes = self._router.changes()
        self._router.save(msgspec.structs.replace(changes, drained=drained))
        try:
            self._admin.set_drained(f"cell_{region}", drained=region in drained)
        except AdminError:
            self._router.save(changes)
            raise

    def _bound_log(self, bytes_max: int) -> None:
        """Keep one older log; HAProxy appends, so the file may be emptied under it."""
        for log in (self._router.log, self._router.control_log):
            if log.exists() and log.stat().st_size > bytes_max:
                with open(log.with_suffix(".log.1"), "wb", opener=own_file) as older:
                    older.write(log.read_bytes()[-bytes_max:])
                os.truncate(log, 0)

    def _plan(self) -> Plan:
        plan, state = self._router.plan(), self._router.state()
        if plan is None or not is_alive(state.haproxy):
            raise CellError("the router does not run", "start it with: make up, or python -m router start")
        return plan

    def _known(self, region: str) -> Plan:
        plan = self._plan()
        names = [known.name for known in plan.regions]
        if region not in names:
            raise CellError(f"there is no region {region!r}", f"the router knows: {', '.join(names)}")
        return plan


def _say(line: str) -> None:
    """For people, with its time (UTC)."""
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}", flush=True)
