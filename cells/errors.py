"""What can go wrong around a cell, each with the next step for the person who reads it.

CellError
├── ConfigError        a key or a value in config/regions/*.toml is wrong
├── PortTaken          another process listens where the cell wants to
├── MemoryTooLow       the machine has less memory available than the cell needs
├── StoreFailed        PostgreSQL or Redis did not start, or went away for good
├── RayFailed          the cell's Ray cluster did not start
├── KeyFileRefused     a key file is missing, unreadable, open to others or another one: the audit is told
├── CertificateRefused a certificate or its key can't be used, or a store would be reached in plain text
│   └── TlsKeyRefused  … since its key's file is missing, unreadable or open to others: the audit is told
├── SystemRefused      the operating system refused something: a full disk, a missing permission
├── AlreadyRunning     a keeper of this region runs
└── StepFailed         a step of `up` did not finish (the keeper or the router says why)
"""

import errno

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


class CellError(Exception):
    """A failure that the operator can act on.

    Args:
        problem: what happened, one sentence.
        next_step: what to do about it, one sentence.
    """

    def __init__(self, problem: str, next_step: str = "") -> None:
        super().__init__(problem if not next_step else f"{problem}\n  Next: {next_step}")
        self.problem = problem
        self.next_step = next_step


class ConfigError(CellError):
    """A key or value in a config file is wrong; names the file, the key and what would be right."""


class PortTaken(CellError):
    """A port that the cell needs is in use by another process."""


class MemoryTooLow(CellError):
    """Less memory is available than `[ray] memory_min_mb` asks for."""


class StoreFailed(CellError):
    """A store did not start or does not answer; carries the last lines of its log."""


class RayFailed(CellError):
    """The cell's Ray head did not start; carries the last lines of its log."""


class KeyFileRefused(CellError):
    """A key file can't be used. `code`: why, as the audit calls it, e.g. `keyring.missing`; `file`: its
    name without the folder."""

    def __init__(self, problem: str, next_step: str, code: str, file: str) -> None:
        super().__init__(problem, next_step)
        self.code = code
        self.file = file


class CertificateRefused(CellError):
    """A certificate or key can't be used, or something would go over the network in plain text."""


class TlsKeyRefused(CertificateRefused, KeyFileRefused):
    """The file of a certificate's key can't be used."""


class SystemRefused(CellError):
    """The operating system refused something: a full disk, a missing permission, too many open files."""


def refused(error: OSError, what: str = "the operating system refused something") -> SystemRefused:
    """The same error for the person who reads it; `what` says what did not happen because of it."""
    reason = error.strerror or str(error)
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in _NO_ROOM:
        next_step = "free disk space, then do it again"
    elif error.errno in _NOT_ALLOWED:
        next_step = "check who owns the files and folders there, their permissions, and how the disk is mounted"
    else:
        next_step = "look there; the logs may tell more: python -m cells logs"
    return SystemRefused(f"{what}: {reason}{where}", next_step)


class AlreadyRunning(CellError):
    """The region's keeper already runs."""


class StepFailed(CellError):
    """A step of starting a cell or the router did not finish."""
