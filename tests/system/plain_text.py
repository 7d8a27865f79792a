"""Asks a port everything in plain text that could be answered: HTTP/1.1, HTTP/2 (gRPC), Redis, PostgreSQL."""

import socket
import ssl
from collections.abc import Iterable
from pathlib import Path

# How long it is listened to who should keep silent, and to who has to answer.
SILENCE_S = 0.7
ANSWER_S = 30.0
BYTES_MAX = 20_000
_ALERT = b"\x15\x03"  # TLS's own way to say that this was no TLS: no data
_HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_REDIS = (b"PING\r\n", b"*1\r\n$4\r\nINFO\r\n")
# The request to speak TLS, and a start without it (protocol 3.0, user ocefs).
_POSTGRES = (b"\0\0\0\x08\x04\xd2\x16\x2f", b"\0\0\0\x14\0\3\0\0user\0ocefs\0\0\0"[:20])


def asked(port: int, paths: Iterable[str]) -> list[bytes]:
    """What the port says to any of it; nothing where it keeps silent, closes, or answers with a TLS alert."""
    said = [_said(port, question) for question in (*map(_get, paths), _HTTP2, *_REDIS, *_POSTGRES)]
    return [answer for answer in said if answer and not answer.startswith(_ALERT)]


def answered(port: int, path: str) -> bytes:
    """What a port that speaks HTTP in plain text answers, however long that takes."""
    return _said(port, _get(path), ANSWER_S)


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()


def _said(port: int, question: bytes, patience_s: float = SILENCE_S) -> bytes:
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as line:
            line.settimeout(patience_s)
            line.sendall(question)
            while len(answer) < BYTES_MAX and (more := line.recv(BYTES_MAX)):
                answer += more
    except OSError:
        pass
    return answer


class Handshake:
    """A try to speak TLS with a port: `version` when it came to that, else `refusal`. `said`: the
    first bytes of an answer."""

    def __init__(
        self,
        port: int,
        ca: Path,
        *,
        own: tuple[Path, Path] | None = None,
        newest: ssl.TLSVersion | None = None,
        name: str = "localhost",
    ) -> None:
        self.version, self.refusal, self.said = "", "", b""
        context = ssl.create_default_context(cafile=str(ca))
        context.set_alpn_protocols(["h2", "http/1.1"])
        if newest is not None:
            context.minimum_version = context.maximum_version = newest
            context.set_ciphers("ALL:@SECLEVEL=0")  # else our own side would refuse
        if own is not None:
            context.load_cert_chain(*own)
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as line:
                with context.wrap_socket(line, server_hostname=name) as encrypted:
                    self.version = encrypted.version() or ""
                    if encrypted.selected_alpn_protocol() == "h2":
                        encrypted.sendall(_HTTP2)
                    else:
                        encrypted.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
                    self.said = encrypted.recv(1000)
        except ssl.SSLError as error:
            self.refusal = error.reason or type(error).__name__
        except OSError as error:
            self.refusal = str(error)
