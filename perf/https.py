"""How the load generators verify cells and routers that speak HTTPS: by the CA of `make certs`, and by those of
the cells that a run started.

wrk verifies nobody: it only ever measures what this process has spoken to before.
"""

import ssl
from pathlib import Path
from urllib.parse import urlsplit

from cells.certs import ca_file
from cells.trust import client_context

_context: ssl.SSLContext | None = None
_trusted: list[Path] = []


def trust(home: Path) -> None:
    """Believe also what the local CA of this home signed; nothing where it has none."""
    global _context  # noqa: PLW0603 -- one for all clients of the process
    if (ca := ca_file(home)).exists() and ca not in _trusted:
        _trusted.append(ca)
        _context = None


def tls_of(base: str) -> ssl.SSLContext | None:
    """For clients of an address; None when it is a plain one."""
    global _context  # noqa: PLW0603
    if urlsplit(base).scheme != "https":
        return None
    if _context is None:
        # Of cells that were ended meanwhile, nothing is left.
        known = [ca for ca in _trusted if ca.exists()]
        _context = ssl.create_default_context(cafile=str(known[0])) if known else client_context()
        for ca in known:
            _context.load_verify_locations(ca)
    return _context


def port_of(base: str) -> int:
    """The port of an address, also where it is the scheme's own."""
    parts = urlsplit(base)
    return parts.port or (443 if parts.scheme == "https" else 80)


def host_of(base: str) -> str:
    """Host and port, as in a Host header."""
    return urlsplit(base).netloc
