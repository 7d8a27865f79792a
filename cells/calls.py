"""Small HTTP calls of the command line: JSON in, JSON out, never without a deadline."""

import http.client
import json
import time
import urllib.error
import urllib.request
from typing import Any

import msgspec


class Answer(msgspec.Struct, frozen=True):
    """`status` 0 means that nobody answered; `body` is the decoded JSON, or the text if it is none."""

    status: int
    body: Any

    @property
    def fine(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300


def call(
    method: str, url: str, body: object = None, headers: dict[str, str] | None = None, timeout_s: float = 10.0
) -> Answer:
    """One request; never raises because of the other side."""
    data = None if body is None else json.dumps(body).encode()
    fields = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, fields, method=method)  # noqa: S310  the address is from our config
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # all of it is on this machine
    try:
        with opener.open(request, timeout=timeout_s) as response:
            return Answer(response.status, _decoded(response.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _decoded(error.read()))
    except (OSError, http.client.HTTPException):
        return Answer(0, "")


def call_until(deadline: float, method: str, url: str, body: object, headers: dict[str, str]) -> Answer:
    """Repeat a request until it is taken (no 429, no 5xx, somebody answers) or the monotonic `deadline` has passed."""
    wait_s = 0.1
    while True:
        answer = call(method, url, body, headers)
        if answer.status not in {0, 429} and answer.status < 500:
            return answer
        if time.monotonic() + wait_s >= deadline:
            return answer
        time.sleep(wait_s)
        wait_s = min(1.0, wait_s * 2)


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")
