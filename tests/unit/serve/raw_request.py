"""A request as bytes, straight into the ASGI app: no client that would refuse, quote or tidy it before."""

import json
from typing import Any, NamedTuple
from urllib.parse import unquote

from serve.context import ASGIApp

Header = tuple[bytes, bytes]


class Answered(NamedTuple):
    """Status, headers and body as the app sent them."""

    status: int
    headers: list[Header]
    body: bytes

    def header(self, name: bytes) -> bytes:
        """The one header of that name; b"" when there is none. Raises ValueError when there are more."""
        found = [value for told, value in self.headers if told == name]
        if len(found) > 1:
            raise ValueError(f"{name!r} is told {len(found)} times")
        return found[0] if found else b""

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


async def ask(
    app: ASGIApp, method: str, path: bytes, headers: list[Header], body: bytes = b"", *, address: str = "10.1.2.3"
) -> Answered:
    """`path`: with its query, percent-encoded as it came over the wire; it is decoded as the door does it."""
    raw_path, _, query = path.partition(b"?")
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": unquote(raw_path.decode("ascii")), "raw_path": raw_path, "query_string": query,
        "root_path": "", "headers": headers, "client": (address, 40_000), "server": ("cell", 80),
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *parts = sent
    return Answered(start["status"], list(start["headers"]), b"".join(part.get("body", b"") for part in parts))
