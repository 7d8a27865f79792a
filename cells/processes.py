"""Start, recognise and stop processes without ever touching one that isn't ours.

A process id alone says nothing: the kernel gives it to another process once the first is gone. So a process is
recorded as its id *and* the moment it started (`ProcessMark`); a mark whose id now belongs to a younger process counts
as gone, and nothing is sent to it. A tree of processes that we did not start one by one (a Ray cluster) is recognised
by a random run token in its environment, which every child inherits.
"""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import psutil

from cells.log_files import own_file

# What others' programs write down is of the same times as what we do (ASVS 5.0.0, 16.2.2).
LOGS_IN_UTC = {"TZ": "UTC"}
# Set in the environment of everything that a keeper starts; the value is random and new for each start of a cell.
RUN_TOKEN = "OCEFS_RUN"  # noqa: S105 -- the name of the variable
_POLL_S = 0.02
_KILL_WAIT_S = 10.0


class ProcessMark(msgspec.Struct, frozen=True):
    """A process that can be told from a later one with the same id.

    Attributes:
        pid: the process id.
        started: when it started, as the operating system counts it (ticks since boot, with the boot's id).
    """

    pid: int
    started: str


def mark_of(pid: int) -> ProcessMark | None:
    """The mark of a live process; None if there is none (a zombie is none: it does nothing any more)."""
    if sys.platform == "linux":
        started = _linux_start(pid)
    else:
        started = _portable_start(pid)
    return ProcessMark(pid, started) if started else None


def is_alive(mark: ProcessMark | None) -> bool:
    """Whether the very process of this mark still runs, not merely one with its id."""
    return mark is not None and mark_of(mark.pid) == mark


def _linux_start(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()  # the name before may hold spaces and brackets
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else f"{boot}-{ticks}"


def _portable_start(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return None


class Child:
    """A process that we started: in a session of its own, so that signals to our terminal don't reach it.

    Args:
        command: program and arguments.
        log: file that takes its output, appended.
        environment: the whole environment.
        user: run as this user (only root may ask for it); None: as we are.
        folder: working folder.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        user: pwd.struct_passwd | None = None,
        folder: Path | None = None,
    ) -> None:
        with open(log, "ab", opener=own_file) as output:
            self._popen: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 -- our own programs, no shell
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(os.environ if environment is None else environment),
                cwd=str(folder or "/"),
                start_new_session=True,
                **as_user(user),
            )
        self.pid = self._popen.pid
        self.mark = mark_of(self.pid) or ProcessMark(self.pid, "gone")

    @property
    def exit_code(self) -> int | None:
        """The exit code; None while it runs. Also takes the zombie away."""
        return self._popen.poll()

    def wait(self, timeout_s: float) -> int | None:
        """Wait for its end; the exit code, or None if it still runs after `timeout_s`."""
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None


def as_user(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments for `subprocess` that drop root for `user`; none if `user` is None."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def wait_until(condition: Callable[[], bool], timeout_s: float, poll_s: float = _POLL_S) -> bool:
    """Wait until `condition` holds; False if it doesn't within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(poll_s)
    return True


def send(mark: ProcessMark, number: signal.Signals) -> bool:
    """Send a signal to the very process of this mark; False if it is gone or not ours to signal."""
    if not is_alive(mark):
        return False
    try:
        os.kill(mark.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def stop(mark: ProcessMark | None, *, ask: signal.Signals = signal.SIGTERM, grace_s: float = 20.0) -> bool:
    """Ask a process to end, wait `grace_s`, then kill it. True if it is gone afterwards.

    Only the very process of the mark is signalled. If it is a child of ours, its zombie is taken away.
    """
    if mark is None or not send(mark, ask):
        _reap(mark)
        return True
    if not wait_until(lambda: _gone(mark), grace_s):
        send(mark, signal.SIGKILL)
    return wait_until(lambda: _gone(mark), _KILL_WAIT_S)


def _gone(mark: ProcessMark) -> bool:
    _reap(mark)
    return not is_alive(mark)


def _reap(mark: ProcessMark | None) -> None:
    """Take the zombie away if it is a child of ours (a `Child`'s `poll` copes with that)."""
    if mark is None:
        return
    try:
        os.waitpid(mark.pid, os.WNOHANG)
    except (ChildProcessError, OSError):
        return


class ProcessTree:
    """Everything that descends from programs started with one run token, wherever it moved in the process tree.

    Some programs overwrite their environment when they set their title; those are found by their session, in which
    a process with the token was seen. A session whose leader lives without the token is not ours.

    Args:
        token: the run token; empty finds nothing.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self._sessions: set[int] = set()

    def find(self) -> list[ProcessMark]:
        """Marks of all that live now, this process left out."""
        if not self._token:
            return []
        sessions: dict[int, int] = {}
        carriers: set[int] = set()
        for process in psutil.process_iter():
            if process.pid == os.getpid():
                continue
            try:
                sessions[process.pid] = os.getsid(process.pid)
                if process.environ().get(RUN_TOKEN) == self._token:
                    carriers.add(process.pid)
            except (psutil.Error, OSError):
                continue
        self._sessions |= {sessions[pid] for pid in carriers}
        ours = {sid for sid in self._sessions if sid in carriers or sid not in sessions}
        self._sessions &= ours & set(sessions.values())
        found = carriers | {pid for pid, sid in sessions.items() if sid in self._sessions}
        return [mark for mark in map(mark_of, sorted(found)) if mark is not None]

    def stop(self, grace_s: float) -> int:
        """Ask all to end, kill those that remain after `grace_s`; how many there were.

        The tree is searched again until it is empty: a process may start another one while it is being stopped.
        """
        seen: set[ProcessMark] = set()
        deadline = time.monotonic() + grace_s
        while time.monotonic() < deadline + _KILL_WAIT_S:
            marks = set(self.find())
            if not marks:
                break
            late = time.monotonic() >= deadline
            for mark in marks if late else marks - seen:
                send(mark, signal.SIGKILL if late else signal.SIGTERM)
            seen |= marks
            for mark in marks:
                _reap(mark)
            time.sleep(0.1)
        return len(seen)


def last_lines(log: Path, count: int = 12) -> str:
    """The last lines of a log, for an error message; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-count:])
