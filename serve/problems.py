"""Problem details (RFC 9457), and how a refusal becomes an HTTP answer. The codes are in `problem_codes/`.

    Problem            anything that a caller is told with a 4xx or 5xx, by its code in TABLE
      (raised by handlers; refusals of the domain and the runtime become one by `of_refusal`, those of what a replica
      itself asks of the domain by `refusing`)

A body is
`{"type":"urn:ocefs:problem:<code>","title","status","detail","code","request_id", …facts…,
"errors":[{"pointer","detail"}]}`. `errors` name the places: `pointer` (RFC 6901) in the body, `parameter` in the
query or path, or `header`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import msgspec

from actors.domain.errors import RefusalBody, Refused, decode_refusal
from actors.runtime.wire import Reply
from serve.problem_codes import TABLE

CONTENT_TYPE = b"application/problem+json"
RETRY_AFTER_S = 1
# An HTTP answer: status, body, headers besides content type and length.
Answer = tuple[int, bytes, tuple[tuple[bytes, bytes], ...]]
_RETRYABLE = frozenset({429, 503})
_P = ParamSpec("_P")
_T = TypeVar("_T")
_encode = msgspec.json.Encoder().encode


class Problem(Exception):
    """An answer other than success. `extra` become members of the body; `errors` say where."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        extra: Mapping[str, Any] | None = None,
        errors: Iterable[Mapping[str, str]] = (),
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.extra = dict(extra) if extra else {}
        self.errors = list(errors)
        self.headers = headers
        # An entity refused it, and its turn has the audit's line.
        self.remembered = False

    @property
    def status(self) -> int:
        """The HTTP status."""
        return TABLE[self.code].status

    def members(self, request_id: str) -> dict[str, Any]:
        """The body as a JSON object. A fact with a standard member's name is told with its noun: `order_status`."""
        status, title = TABLE[self.code]
        members: dict[str, Any] = {
            "type": f"urn:ocefs:problem:{self.code}",
            "title": title,
            "status": status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        if self.errors:
            members["errors"] = self.errors
        for name, value in self.extra.items():
            members[f"{self.code.partition('.')[0]}_{name}" if name in members else name] = value
        return members

    def body(self, request_id: str) -> bytes:
        """The body as JSON."""
        return _encode(self.members(request_id))

    def answer(self, request_id: str) -> Answer:
        """The whole answer."""
        headers = self.headers
        status = self.status
        if status in _RETRYABLE and all(name != b"retry-after" for name, _ in headers):
            headers = (*headers, (b"retry-after", b"%d" % RETRY_AFTER_S))
        return status, self.body(request_id), headers


def field_problem(code: str, detail: str, pointer: str, **extra: Any) -> Problem:
    """A problem of one field of the body."""
    return Problem(code, detail, extra=extra, errors=[{"pointer": pointer, "detail": detail}])


def needed(given: _T | None, name: str) -> _T:
    """What the body's field `name` says, which this call can't do without. Raises Problem 422."""
    if given is None:
        raise field_problem("body.missing_field", f"Field `{name}` is required.", f"/{name}")
    return given


def parameter_problem(name: str, detail: str, code: str = "request.parameter_invalid") -> Problem:
    """A problem of one parameter of the path or the query."""
    return Problem(code, detail, errors=[{"parameter": name, "detail": detail}])


def of_refusal(reply: Reply) -> Problem:
    """The problem that a reply other than OK tells of. A code that the table lacks is a fault of ours."""
    problem = _of_body(decode_refusal(reply.body))
    problem.remembered = reply.audited
    return problem


def refusing(call: Callable[_P, _T]) -> Callable[_P, _T]:
    """The same, of which callers are told as a Problem what the domain refuses. For what a replica works out by pure
    decisions, before it asks anybody."""

    @wraps(call)
    def called(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return call(*args, **kwargs)
        except Refused as refused:
            raise _of_body(refused.body) from refused

    return called


def _of_body(refusal: RefusalBody) -> Problem:
    if refusal.code not in TABLE:
        return Problem("request.fault", "The cell refused for a reason that the API does not know.")
    extra = dict(refusal.extra)
    # Of what was found before the entity was asked (`judging.py`): itself it knows no places of a body.
    errors = extra.pop("errors", ())
    return Problem(refusal.code, refusal.detail, extra=extra, errors=errors)


def escaped(token: str) -> str:
    """One token of a JSON pointer."""
    return token.replace("~", "~0").replace("/", "~1")
