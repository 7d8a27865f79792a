"""A cell's Ray cluster as processes: the head in the foreground, and the programs that deploy to it.

Ray is not imported here. What talks to the cluster runs as a program of its own (`python -m cells deploy us`),
because a Ray driver ends its process when the cluster goes away, and the keeper must outlive the cluster.
"""

import contextlib
import logging
import os
import resource
import secrets
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Protocol

from cells.calls import call
from cells.certs import ca_file, write_private
from cells.config_copy import copy_environment
from cells.errors import RayFailed, StepFailed
from cells.haproxy import haproxy_binary
from cells.paths import CellPaths
from cells.ports import head_command, ray_environment
from cells.processes import LOGS_IN_UTC, RUN_TOKEN, Child, ProcessMark, ProcessTree, last_lines, stop, wait_until
from cells.settings import RegionConfig
from cells.state import is_recovering
from cells.tls import CIPHERS, door_pair
from cells.trust import of_cell

_START_S = 60.0
_DEPLOY_S = 120.0
# A change of the schema may have to look at each line of years.
_MIGRATE_S = 48 * 3600.0
_READY_S = 60.0
# On top of `Api.erasure_s_max`.
_WITHDRAW_S = 40.0
_HEAD_GRACE_S = 8.0
_TREE_GRACE_S = 3.0

# Ray Serve renders HAProxy's configuration anew for each start, and starts what we name: so what must be
# otherwise is changed on the way.
_HAPROXY_SCRIPT = """#!/bin/sh
previous=""
for argument in "$@"; do
  if [ "$previous" = "-f" ]; then
    sed -i{changes} "$argument"
  fi
  previous="$argument"
done
exec "{binary}" "$@"
"""
# Its statistics and metrics would be on every interface.
_ON_LOOPBACK = r"s/^\( *bind \)\*\{0,1\}:\([0-9]\)/\1127.0.0.1:\2/"

log = logging.getLogger("ocefs.keeper")


class Cluster(Protocol):
    """What the keeper needs of a cluster; a test gives a light one."""

    @property
    def mark(self) -> ProcessMark | None: ...
    def start(self) -> None: ...
    def deploy(self) -> None: ...
    def withdraw(self) -> None: ...
    def stop(self) -> None: ...
    def exited(self) -> bool: ...


class RayCluster:
    """The Ray cluster of one cell.

    Args:
        config: the region.
        paths: its folders, with the copy of the config in it (see `cells.config_copy`).
        run: token of this run, by which everything that Ray starts is found again.
    """

    def __init__(self, config: RegionConfig, paths: CellPaths, run: str) -> None:
        self._config = config
        self._paths = paths
        self._tree = ProcessTree(run)
        self._log = paths.logs / "ray.log"
        self._head: Child | None = None
        cell = {**cell_environment(config, paths), **copy_environment(paths.config)}
        self._environment = {**os.environ, **LOGS_IN_UTC, **cell, RUN_TOKEN: run}

    @property
    def mark(self) -> ProcessMark | None:
        """The head's process while it runs."""
        return self._head.mark if self._head is not None and self._head.exit_code is None else None

    def start(self) -> None:
        """Start the head and wait until a driver can connect. Raises `RayFailed` with the last lines of its log."""
        self._clear_sessions()
        self._prepare_haproxy()
        command = head_command(self._config, self._paths, sys.executable)
        self._head = head = Child(command, log=self._log, environment=self._environment, folder=self._paths.home)
        raylet = self._paths.ray_temp / "session_latest" / "sockets" / "raylet"
        if not wait_until(lambda: head.exit_code is not None or _listens(raylet), _START_S, 0.1) or self.exited():
            self.stop()
            raise RayFailed(
                f"Ray did not start (log: {self._log}):\n{last_lines(self._log)}",
                "read the lines above; a taken port is set by ray.port_base, too little memory by "
                "ray.object_store_mb in the region's file",
            )

    def deploy(self) -> None:
        """Bring the hosts and the API up, at both doors. Raises `StepFailed` with the last lines of the log.

        One that comes back after a crash goes on without Serve's ingress: it is logged then.
        """
        code = self._program("deploy", _DEPLOY_S, after=self._paths.schema_ready)
        if code != 0:
            file = self._paths.logs / "deploy.log"
            why = f"is not finished after {_DEPLOY_S:.0f} s" if code is None else "failed"
            raise StepFailed(
                f"deploying to {self._config.name} {why} (log: {file}):\n{last_lines(file, 25)}",
                f"read the lines above; logs of Ray: {self._paths.ray_temp}/session_latest/logs",
            )
        self._wait_ready(self._config.address)
        try:
            self._wait_ready(self._config.ingress)
        except StepFailed as missing:
            if not is_recovering(self._paths):
                raise
            # Another crash would not bring it: the cell's own door answers.
            log.error("%s", missing)

    def _wait_ready(self, door: str) -> None:
        """Raises StepFailed. Each door has the whole time: Serve may just have ended an ingress that hung, and be
        about the next."""
        ready, trust = f"{door}/readyz", of_cell(self._config, self._paths.home)
        if wait_until(lambda: self.exited() or call("GET", ready, timeout_s=2, trust=trust).fine, _READY_S, 0.1):
            return
        # Once more, with more patience: a slow machine is no reason.
        answer = call("GET", ready, trust=trust)
        if not answer.fine:
            raise StepFailed(
                f"{self._config.name} is deployed, but {ready} does not say that it is ready: "
                f"{str(answer.body)[:300] or 'nobody answers'}",
                f"logs of Ray: {self._paths.ray_temp}/session_latest/logs",
            )

    def withdraw(self) -> None:
        """Let the API and the hosts finish what they have, at most for a while; then they may be stopped."""
        if self.exited():
            return
        patience_s = self._config.api.erasure_s_max + _WITHDRAW_S
        code = self._program("withdraw", patience_s)
        if code != 0:  # what they had under way ends with Ray; what was acknowledged is on disk
            why = f"are not done after {patience_s:.0f} s, or Ray is gone" if code is None else "could not be asked to"
            lines = last_lines(self._paths.logs / "withdraw.log")
            log.warning("API and hosts of %s should finish what they have, and %s:\n%s", self._config.name, why, lines)

    def exited(self) -> bool:
        """Whether the head is gone; Ray's head ends when a part of it dies."""
        return self._head is None or self._head.exit_code is not None

    def stop(self) -> None:
        """End everything of this cluster, and nothing of another one on the machine."""
        self._tree.find()  # learn the sessions while they can be told
        if self._head is not None:
            stop(self._head.mark, grace_s=_HEAD_GRACE_S)
            self._head.wait(1.0)
        self._tree.stop(_TREE_GRACE_S)
        if self._head is not None:
            leave_logs(self._paths)

    def _program(self, name: str, timeout_s: float, after: Path | None = None) -> int | None:
        """Its exit code; None when it is not finished so long after it has made the file `after`."""
        command = [sys.executable, "-m", "cells", name, self._config.name]
        log = self._paths.logs / f"{name}.log"
        log.unlink(missing_ok=True)  # only the last one matters; an older error would mislead
        if after is not None:
            after.unlink(missing_ok=True)
        child = Child(command, log=log, environment=self._environment)
        try:
            if after is not None:
                begun = after.exists
                wait_until(lambda: begun() or child.exit_code is not None or self.exited(), _MIGRATE_S, 0.05)
            wait_until(lambda: child.exit_code is not None or self.exited(), timeout_s, 0.05)
            return child.exit_code
        finally:
            stop(child.mark, ask=signal.SIGKILL)

    def _clear_sessions(self) -> None:
        """Keep the logs of the last session only; nothing runs there now."""
        (self._paths.ray_temp / "session_latest").unlink(missing_ok=True)
        old = sorted(self._paths.ray_temp.glob("session_2*"))  # each is named after its beginning
        for folder in old[:-1]:
            shutil.rmtree(folder, ignore_errors=True)

    def _prepare_haproxy(self) -> None:
        script = Path(self._environment["RAY_SERVE_HAPROXY_BINARY_PATH"])
        shutil.rmtree(self._paths.haproxy, ignore_errors=True)
        self._paths.create()
        changes = [_ON_LOOPBACK]
        if self._config.encrypted:
            # Copies, whose paths need no quotes.
            pem, ca = self._paths.haproxy / "door.pem", self._paths.haproxy / "ca.pem"
            door = door_pair(self._config, self._paths.home)
            write_private(pem, door.certificate.read_bytes() + b"\n" + door.key.read_bytes())
            write_private(ca, ca_file(self._paths.home).read_bytes())
            changes += encrypted_ingress(self._config, pem, ca)
        text = _HAPROXY_SCRIPT.replace("{changes}", "".join(f" -e '{change}'" for change in changes))
        script.write_text(text.replace("{binary}", str(haproxy_binary())), encoding="utf-8")
        script.chmod(0o700)


def leave_logs(paths: CellPaths) -> None:
    """Of a run that is over only Ray's logs are of use, also those of the session before, which may have crashed.
    What else it made under /tmp goes: sockets, and with TLS a copy of the door's key."""
    for folder in (paths.haproxy, paths.doors):
        shutil.rmtree(folder, ignore_errors=True)
    for found in paths.ray_temp.glob("session_2*/*"):
        if found.name != "logs":
            _remove(found)


def encrypted_ingress(config: RegionConfig, pem: Path, ca: Path) -> list[str]:
    """Changes (for sed) to Serve's HAProxy configuration: TLS towards callers, and verified TLS towards the replicas.

    Args:
        config: the region.
        pem: the door's certificate and key in one file.
        ca: by which the replicas' certificates are verified.
    """
    shown = f"ssl crt {pem} ssl-min-ver TLSv1.2 ciphers {':'.join(CIPHERS)} alpn h2,http/1.1"
    wanted = f"ssl verify required ca-file {ca} verifyhost localhost ssl-min-ver TLSv1.2"
    # Not a second time: Serve may start it twice from one file.
    return [
        f"/ ssl /!s|^ *bind [^ ]*:{config.api.serve_port}$|& {shown}|",
        f"/ ssl /!s|^ *server [^ ]* [^ ]*:[0-9]*|& {wanted}|",
    ]


def cell_environment(config: RegionConfig, paths: CellPaths) -> dict[str, str]:
    """What a program needs in its environment to reach this cell's cluster. Makes the token file if it is missing."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    open_files_max = 1 << 20 if hard == resource.RLIM_INFINITY else hard
    if not paths.ray_token.exists():
        paths.create()
        with open(paths.ray_token, "w", encoding="ascii", opener=lambda n, f: os.open(n, f, 0o600)) as file:
            file.write(secrets.token_hex(32))
    return {
        **ray_environment(config, paths, open_files_max),
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(paths.haproxy / "haproxy"),
        "OCEFS_HOME": str(paths.home),
    }


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
        except OSError:
            return False
        return True


def _remove(found: Path) -> None:
    if found.is_dir() and not found.is_symlink():
        shutil.rmtree(found, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            found.unlink()
