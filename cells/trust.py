"""How tools know that they speak to whom they mean: the CA and the name that the other side's certificate must have."""

import os
import ssl
from functools import lru_cache
from pathlib import Path

import msgspec

from cells.certs import ca_file
from cells.errors import CertificateRefused
from cells.paths import home_folder
from cells.settings import RegionConfig

# In the place of a file: the CAs that the system trusts.
SYSTEM = "system"


class Trust(msgspec.Struct, frozen=True):
    """Of one server: `ca` is a PEM file, or `SYSTEM`; `name` the host name in its certificate,
    empty: the one in the URL."""

    ca: str
    name: str = ""

    def context(self) -> ssl.SSLContext:
        """For clients. Raises CertificateRefused when the CA's file can't be used."""
        return client_context(self.ca)


def of_cell(config: RegionConfig, home: Path | None = None) -> Trust:
    """Of a cell's door and ingress."""
    return Trust(config.tls.ca or str(ca_file(home or home_folder())), config.tls_name)


def client_context(ca: str = "", home: Path | None = None) -> ssl.SSLContext:
    """What verifies a server.

    Args:
        ca: a PEM file, or `SYSTEM`; empty: `OCEFS_TLS_CA`, else the CA of `make certs` in `home`, else `SYSTEM`.
        home: the folder of all state; default `home_folder()`.

    Raises:
        CertificateRefused: the file can't be used.
    """
    file = ca or os.environ.get("OCEFS_TLS_CA", "")
    if not file:
        ours = ca_file(home or home_folder())
        file = str(ours) if ours.exists() else SYSTEM
    file = "" if file == SYSTEM else file
    try:
        return _context(file, Path(file).stat().st_mtime_ns if file else 0)
    except (OSError, ssl.SSLError) as error:
        raise CertificateRefused(
            f"the certificates to trust, {file}, can't be used: {error}", "give a PEM file with the CA's certificate"
        ) from None


@lru_cache(maxsize=16)
def _context(file: str, changed_ns: int) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
