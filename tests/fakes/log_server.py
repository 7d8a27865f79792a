"""A system that keeps a copy of the audit, as far as the forwarder sees it: takes lines, if they are signed."""

from __future__ import annotations

import hashlib
import hmac
import json

from tests.fakes.loopback_server import Answer, LoopbackServer, Request

TOKEN = "Splunk 5e0c1a9d"


class LogServer(LoopbackServer):
    """`taken`: (shard, number) → chain of each line. `bodies`: what came, as it came."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.taken: dict[tuple[int, int], str] = {}
        self.bodies: list[bytes] = []
        super().__init__()

    @property
    def url(self) -> str:
        return f"{self.address}/audit"

    def answer(self, request: Request) -> Answer:
        at, _, signed = request.headers["ocefs-signature"].removeprefix("t=").partition(",v1=")
        assert signed == hmac.new(self._secret, at.encode() + b"." + request.body, hashlib.sha256).hexdigest()
        assert (request.path, request.headers["authorization"]) == ("/audit", TOKEN)
        assert (request.headers["ocefs-region"], request.headers["content-type"]) == ("us", "application/x-ndjson")
        lines = [json.loads(line) for line in request.body.splitlines()]
        for line in lines:
            place = line["shard"], line["number"]
            assert self.taken.get(place, line["chain"]) == line["chain"], "it was another line before"
            self.taken[place] = line["chain"]
        self.bodies.append(request.body)
        return Answer(204, b"")
