"""Starts, reloads and stops the router: HAProxy, which carries the requests, and the control part beside it.

The two are separate processes in sessions of their own. HAProxy needs nobody: if the control part dies, requests go
on. The control part starts HAProxy again should it die. Both are recorded with their start times, so that only ours
are ever signalled. A reload starts a new HAProxy that takes the listening sockets over, so no connection is refused;
the old one finishes what it has and gives each kept connection one more answer, which says
that it closes (at most 30 s).
"""

import contextlib
import errno
import hashlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from cells.certs import Pair, ca_file, make, pair_of, router_holder, write_private
from cells.checks import port_owner
from cells.config import PROJECT
from cells.demo_exposure import check_cells_have_none
from cells.errors import CellError, PortTaken, StepFailed, refused
from cells.haproxy import haproxy_binary
from cells.pem import read_certificates
from cells.processes import Child, ProcessMark, is_alive, last_lines, send, wait_until
from cells.processes import stop as stop_process
from cells.tls import check_pair
from cells.told_notices import check_none_told
from cells.trust import SYSTEM, Trust
from router.addresses import AddressDatabaseError, address_map, fingerprint
from router.admin_socket import AdminError, AdminSocket
from router.config import RouterConfig
from router.haproxy_config import affordable_connections, descriptors_for, files
from router.state import Changes, Plan, RouterFolder, State
from router.topology import Region, TopologyError, addresses, region_of_country

_START_S = 15.0
# For requests under way to be answered.
_STOP_S = 5.0
# For a process to end that has nothing to do any more.
_END_S = 0.5
_ASK_AGAIN_S = 0.1


class RouterStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the router is. `died`: it was not stopped, and is not there. `cells` is region → `up`, `down`,
    `drained` or `unknown`."""

    running: bool
    died: bool = False
    address: str = ""
    pid: int = 0
    control_pid: int = 0
    connections_max: int = 0
    cells: dict[str, str] = {}


def start(home: Path, config: RouterConfig, regions: Sequence[Region], *, with_control: bool = True) -> RouterStatus:
    """Start the router, or bring a running one to this configuration. Returns once it takes requests.

    Args:
        home: the folder of all state; the router's is `home/router`.
        config: the router's settings.
        regions: what is routed to.
        with_control: also start the control part as a process of its own.

    Raises:
        CellError: a port is taken, the configuration contradicts itself, others would reach demo accounts or a cell
            that tells codes to its log, or HAProxy did not start.
    """
    names = [region.name for region in regions]
    check_cells_have_none(home, config.host, names)
    check_none_told(home, config.host, addresses(regions))
    router = RouterFolder(home)
    plan = Plan(config, tuple(regions))
    with router.locked():
        state = router.state()
        running = is_alive(state.haproxy)
        if state.haproxy is None:  # one that died is started again as it was
            router.forget_changes()
        if not running or router.plan() != plan or certificate_changed(router, plan):
            launch(router, plan)
        if with_control:
            _ensure_control(router)
    return status(home)


def stop(home: Path) -> bool:
    """Stop exactly what `start` started; True if something ran.

    Raises:
        CellError: another process works at the router, or it is stopped, but that could not be recorded.
    """
    router = RouterFolder(home)
    if not router.folder.exists():
        return False
    with router.locked():
        state = router.state()
        # the control part first, or it would start HAProxy again
        control = state.control if is_alive(state.control) else None
        if control and control.pid != os.getpid():
            stop_process(control, grace_s=_STOP_S)
        serving = state.haproxy if is_alive(state.haproxy) else None
        retired = [mark for mark in state.retiring if is_alive(mark)]
        # Whoever is broken off in the middle leaves none that seems to serve. Where the disk is
        # full, it is ended all the same.
        with contextlib.suppress(OSError):
            router.save(State(retiring=(*retired, *([serving] if serving else []))))
        _end(AdminSocket(router.places.socket), serving, retired)
        try:
            router.forget_changes()
            router.save(State())
        except OSError as error:
            raise refused(error, "the router is stopped, but that could not be recorded") from error
    return bool(control or serving or retired)


def _end(admin: AdminSocket, serving: ProcessMark | None, retired: Sequence[ProcessMark]) -> None:
    """End each HAProxy once nobody waits for its answer, and after `_STOP_S` in any case.

    Its own soft stop would wait for callers' idle connections too. One that a reload retired has only that.
    """
    deadline = time.monotonic() + _STOP_S
    if serving:
        try:
            admin.close_frontend("public")
            wait_until(lambda: not admin.is_asked(), _STOP_S, _ASK_AGAIN_S)
        except AdminError:
            pass  # it hangs or has just ended; it is ended as any other process
        except BaseException:
            send(serving, signal.SIGUSR1)
            raise
        stop_process(serving, grace_s=_END_S)
    for mark in retired:
        stop_process(mark, ask=signal.SIGUSR1, grace_s=max(_END_S, deadline - time.monotonic()))


def status(home: Path) -> RouterStatus:
    """How the router is; never raises because it is away."""
    router = RouterFolder(home)
    state, plan = router.state(), router.plan()
    if state.haproxy is None or not is_alive(state.haproxy) or plan is None:
        return RouterStatus(running=False, died=state.haproxy is not None)
    return RouterStatus(
        running=True,
        address=plan.config.address,
        pid=state.haproxy.pid,
        control_pid=state.control.pid if state.control and is_alive(state.control) else 0,
        connections_max=state.connections_max,
        cells=_cells(router, plan),
    )


def trust(home: Path) -> Trust | None:
    """How our own tools verify the router; None when it was last started without TLS."""
    plan = RouterFolder(home).plan()
    if plan is None or not plan.config.encrypted:
        return None
    config = plan.config
    ca = str(ca_file(home)) if not config.tls_certificate else config.tls_ca or SYSTEM
    return Trust(ca, config.tls_name)


def _cells(router: RouterFolder, plan: Plan) -> dict[str, str]:
    try:
        found = AdminSocket(router.places.socket).cells()
    except AdminError:
        found = {}
    return {region.name: found.get(f"cell_{region.name}", "unknown") for region in plan.regions}


def launch(router: RouterFolder, plan: Plan, *, known_addresses: bool = False) -> None:
    """Start HAProxy for this plan; a running one hands its sockets over. The caller holds the lock. With
    `known_addresses` it goes by the address map that is there, if there is one, whatever has become of the database."""
    state, changes = router.state(), _changes(router, plan)
    old = state.haproxy if is_alive(state.haproxy) else None
    if old is None:
        # one that was asked to end a moment ago has them yet
        _check_ports(plan.config, _STOP_S if any(map(is_alive, state.retiring)) else 0.0)
    wanted = plan.config.connections_max
    connections = affordable_connections(wanted, _descriptors(descriptors_for(wanted)))
    render(router, plan, changes, connections, known_addresses=known_addresses)
    shown = digest(router.places.certificate.read_bytes()) if plan.config.encrypted else ""
    # Not quiet (-q): it would shut its output, and with that its log.
    command = [str(haproxy_binary()), "-db", "-f", str(router.places.config)]
    if old is not None:
        command += ["-x", str(router.places.socket), "-sf", str(old.pid)]
    child = Child(command, log=router.log, folder=router.folder)
    admin = AdminSocket(router.places.socket)
    if not wait_until(lambda: child.exit_code is not None or _answers(admin, child.pid), _START_S):
        stop_process(child.mark, grace_s=0.1)
    if child.exit_code is not None:
        raise StepFailed(f"the router did not start:\n{last_lines(router.log)}", f"see {router.log}")
    retiring = tuple(mark for mark in (*state.retiring, *([old] if old else [])) if is_alive(mark))
    router.save(plan)
    router.save(
        msgspec.structs.replace(
            state, haproxy=child.mark, retiring=retiring, connections_max=connections, certificate=shown
        )
    )


def _changes(router: RouterFolder, plan: Plan) -> Changes:
    return router.changes().among({region.name for region in plan.regions})


def render(
    router: RouterFolder, plan: Plan, changes: Changes, connections: int, *, known_addresses: bool = False
) -> None:
    """Compute all files and let HAProxy check them. Raises `CellError` that says what is wrong."""
    router.create()
    if plan.config.encrypted:
        _place_certificate(router, plan)
    try:
        texts = files(
            plan.config,
            plan.regions,
            router.places,
            connections=connections,
            country_changes=changes.countries,
            drained=changes.drained,
        )
    except (TopologyError, ValueError) as error:
        raise CellError(
            f"the router can't be configured: {error}", "correct config/regions or config/router.toml"
        ) from error
    for name, text in texts.items():
        router.write(name, text)
    if not (known_addresses and router.places.addresses.exists()):
        refresh_addresses(router, plan)
    check = subprocess.run(  # noqa: S603 -- the HAProxy that came with us, no shell
        [haproxy_binary(), "-c", "-f", str(router.places.config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if check.returncode != 0:
        raise StepFailed(
            f"HAProxy refuses the computed configuration:\n{check.stderr[-2000:]}", "see config/router.toml"
        )


def _place_certificate(router: RouterFolder, plan: Plan) -> None:
    """Put the certificate where HAProxy reads it, if it is fit. Raises `CertificateRefused`."""
    config, home = plan.config, router.home
    pair, ca = _pair(router, config), Path(config.tls_ca) if config.tls_ca else None
    if not config.tls_certificate:
        make(home, [router_holder(config.host, config.tls_name)])
        ca = ca_file(home)
    check_pair(pair, ca, config.tls_name)
    for region in plan.regions:
        if region.tls_ca:
            read_certificates(Path(region.tls_ca))
    write_private(router.places.certificate, _together(pair))


def certificate_changed(router: RouterFolder, plan: Plan) -> bool:
    """Whether there is another certificate than the one that callers are shown."""
    if not plan.config.encrypted:
        return False
    try:
        return router.state().certificate != digest(_together(_pair(router, plan.config)))
    except FileNotFoundError:  # ours is made anew
        return True


def digest(shown: bytes) -> str:
    """By which a certificate and its key are known again."""
    return hashlib.sha256(shown).hexdigest()


def _together(pair: Pair) -> bytes:
    """As HAProxy wants it."""
    return pair.certificate.read_bytes() + b"\n" + pair.key.read_bytes()


def _pair(router: RouterFolder, config: RouterConfig) -> Pair:
    if config.tls_certificate:
        return Pair(Path(config.tls_certificate), Path(config.tls_key))
    return pair_of(router.home, "router")


def refresh_addresses(router: RouterFolder, plan: Plan, offer: Callable[[Path], None] = lambda _: None) -> bool:
    """Compute the address map again if the database or the countries changed; True if it was computed. `offer` is given
    the new one before it counts: where that fails it is computed again next time."""
    if not plan.config.mmdb:
        return False
    database, target = Path(plan.config.mmdb), router.places.addresses
    countries = region_of_country(plan.regions) | _changes(router, plan).countries
    served = {country: region for country, region in countries.items() if region}
    try:
        if target.exists():
            with target.open(encoding="ascii") as file:
                if file.readline() == f"# {fingerprint(database, served)}\n":
                    return False
        fresh = target.with_suffix(".new")
        with fresh.open("w", encoding="ascii") as file:
            file.writelines(address_map(database, served))
    except AddressDatabaseError as error:
        raise CellError(str(error), "correct router.mmdb, or make it empty to do without") from error
    offer(fresh)
    os.replace(fresh, target)
    return True


def _ensure_control(router: RouterFolder) -> None:
    state = router.state()
    if is_alive(state.control):
        return
    command = [sys.executable, "-m", "router", "control", "--home", str(router.home)]
    child = Child(command, log=router.control_log, folder=PROJECT)
    router.save(msgspec.structs.replace(state, control=child.mark))


def record_control(router: RouterFolder, mark: ProcessMark | None) -> None:
    """Say which process is the control part. The caller holds the lock."""
    router.save(msgspec.structs.replace(router.state(), control=mark))


def _answers(admin: AdminSocket, pid: int) -> bool:
    try:
        return f"\nPid: {pid}\n" in admin.ask("show info")
    except AdminError:
        return False


def check_ports(home: Path, config: RouterConfig) -> None:
    """What a start would find only once the cells run. Raises `PortTaken` if another process has a port of the
    router's, which does not run."""
    state = RouterFolder(home).state()
    if not is_alive(state.haproxy):
        _check_ports(config, _STOP_S if any(map(is_alive, state.retiring)) else 0.0)


def _check_ports(config: RouterConfig, patience_s: float) -> None:
    for host, port in ((config.host, config.port), ("127.0.0.1", config.stats_port)):
        wait_until(partial(_is_free, host, port), patience_s)
        if why := _why_taken(host, port):
            raise PortTaken(
                f"the router can't listen on {host}:{port}: {why}",
                "end the other process, or set router.port and router.stats_port in config/router.toml",
            )


def _is_free(host: str, port: int) -> bool:
    return not _why_taken(host, port)


def _why_taken(host: str, port: int) -> str:
    """Empty when a socket can be bound there."""
    bound = "" if host == "*" else host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bound, port))
        except OSError as error:
            why = error.strerror or str(error)
            return f"{why} by {port_owner(port)}" if error.errno == errno.EADDRINUSE else why
    return ""


def _descriptors(needed: int) -> int:
    """How many file descriptors HAProxy can have: `needed`, or the limit that can't be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= needed:
        return needed
    try:  # only a privileged process may; HAProxy will do the same
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, needed))
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    except (ValueError, OSError):
        return hard
    return needed
