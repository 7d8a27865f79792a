"""TLS of the cell's own door: 1.2 or newer, and a certificate that may be replaced while callers come and go."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

# How often the files are looked at.
LOOK_EVERY_S = 5.0
# For TLS 1.2: forward secrecy and authenticated encryption only; what TLS 1.3 has is all good.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
log = logging.getLogger("ocefs.door")


class ShownCertificate:
    """A certificate and its key (PEM files), for new connections the ones that lie there now.

    `context` is what the server takes. Raises OSError (ssl.SSLError is one) when they can't be used from the beginning.
    """

    def __init__(self, certificate: str, key: str) -> None:
        self._files = (certificate, key)
        self._seen = self._stamps()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_ciphers(_CIPHERS)
        self.context.set_alpn_protocols(["http/1.1"])
        self.context.load_cert_chain(certificate, key)

    async def follow(self, every_s: float = LOOK_EVERY_S) -> None:
        """Until cancelled: take what was replaced. What can't be used is told, and the one before goes on."""
        while True:
            await asyncio.sleep(every_s)
            self.look()

    def look(self) -> bool:
        """Take the files if they changed and fit; whether they were taken."""
        try:
            stamps = self._stamps()
            if stamps == self._seen:
                return False
            self._seen = stamps
            # On another context first: half of a pair must not get into the one that is in use.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*self._files)
            self.context.load_cert_chain(*self._files)
        except OSError as error:
            log.error("the new certificate %s can't be used, the one before is still shown: %s", self._files[0], error)
            return False
        log.warning("the certificate %s was replaced and is shown from now on", self._files[0])
        return True

    def _stamps(self) -> list[tuple[int, int, int]]:
        found = [Path(file).stat() for file in self._files]
        return [(stat.st_mtime_ns, stat.st_ino, stat.st_size) for stat in found]
