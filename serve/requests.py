"""Reading a write: content type, Idempotency-Key, body within its limit, JSON into typed
structs, errors with their place.

What holds a card's number is refused before anything decodes, remembers or logs it (`payments/pan.py`).
Digest: 63 bits of the body's bytes as they were sent, with the path before them where an entity has many (`Write.to`).
So "same key and body" means the same bytes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import msgspec
from starlette.requests import Request

from actors.runtime.sharding import digest_of
from serve.choices import fields_at, look_at, words_at
from serve.context import OPEN_TO_ALL, PRINCIPAL, Receive, Scope, headers_of
from serve.payments.pan import form_holds_pan, json_holds_pan, pointer_of_pan, text_holds_pan
from serve.problems import Problem, escaped

KEY_CHARS_MAX = 255
# Of a body that anybody may send: a sign-in has some hundred bytes, a new passkey a few thousand with the
# certificates of its maker.
OPEN_BODY_MAX = 16_384
# Who sends his body later than that is looked at once more when it is there; of all others that costs a comparison.
LATE_S = 0.25
T = TypeVar("T")
_json_decoder = msgspec.json.Decoder()


class ClientGone(Exception):
    """The caller closed the connection before its body was complete; there is nobody to answer."""


class Write(NamedTuple):
    """What every write carries."""

    key: str
    body: bytes
    digest: int

    def to(self, path: str) -> Write:
        """The same, as a write to that path alone. Where many paths lead to one entity, a key that is used for another
        of them is used for another request."""
        return self._replace(digest=digest_of(b"%b\n%b" % (path.encode(), self.body)))


def _header_problem(code: str, detail: str, header: str) -> Problem:
    return Problem(code, detail, errors=[{"header": header, "detail": detail}])


def _key(value: bytes | None) -> str:
    if value is None:
        detail = "Every write needs an Idempotency-Key header: 1 to 255 visible ASCII characters, the same when it is repeated."
        raise _header_problem("idempotency.key_missing", detail, "Idempotency-Key")
    if 0 < len(value) <= KEY_CHARS_MAX and value.isascii():
        key = value.decode("ascii")
        if key.isprintable() and " " not in key:
            if text_holds_pan(value):
                raise _pan_refused({"header": "Idempotency-Key"})
            return key
    detail = "Idempotency-Key must be 1 to 255 visible ASCII characters, given once."
    raise _header_problem("idempotency.key_invalid", detail, "Idempotency-Key")


def _check_type(value: bytes, wanted: bytes) -> None:
    if value != wanted:
        media, _, parameters = value.partition(b";")
        charset = parameters.strip().lower()
        if media.strip().lower() != wanted or charset not in (b"", b"charset=utf-8", b'charset="utf-8"'):
            detail = f"Content-Type must be {wanted.decode()} (UTF-8)."
            raise _header_problem("request.content_type", detail, "Content-Type")


def _pan_refused(place: dict[str, str] | None) -> Problem:
    detail = (
        "This holds a card number, and such are not taken here: send the payment provider's token instead. "
        "Nothing of the request was processed or kept."
    )
    return Problem("payment.pan_refused", detail, errors=[] if place is None else [place | {"detail": "a card number"}])


def check_target(scope: Scope) -> None:
    """Raises Problem 422 when the path or the query holds a card's number: ids in paths are journalled."""
    path = scope.get("raw_path") or scope["path"].encode()
    if form_holds_pan(path):
        raise _pan_refused({"parameter": "path"})
    if scope["query_string"] and form_holds_pan(scope["query_string"]):
        raise _pan_refused({"parameter": "query"})


def _check_body(body: bytes, media_type: bytes) -> None:
    """Raises Problem 422 when there is a card's number anywhere: all of the body is refused, of many items, too."""
    if media_type == b"application/json":
        if json_holds_pan(body):
            pointer = pointer_of_pan(body)
            raise _pan_refused(None if pointer is None else {"pointer": pointer})
    elif form_holds_pan(body):
        raise _pan_refused(None)


def _too_large(limit: int) -> Problem:
    # The rest of the body would have to be read to keep the connection.
    close = ((b"connection", b"close"),)
    return Problem(
        "body.too_large", f"A body may have at most {limit} bytes.", extra={"limit_bytes": limit}, headers=close
    )


class BodyReader:
    """Reads writes. `key_digest`: what stands for the Idempotency-Key of a caller who said who he is. Bodies have a
    limit of bytes (a low one where nobody has to be signed in), and a deadline: one timer looks after all that are
    being read, because a timer for each would cost a hot route a fifth of its time. `check_again`: raises Problem when
    the caller, who was good when he began, may not act any more.
    """

    def __init__(
        self, body_max: int, timeout_s: float, key_digest: Callable[[str], str], check_again: Callable[[Scope], None]
    ) -> None:
        self._key_digest = key_digest
        self._check_again = check_again
        self._body_max = body_max
        self._timeout_s = timeout_s
        self._reading: dict[asyncio.Task[Any], float] = {}
        self._overdue: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def document(self, request: Request, decoder: msgspec.json.Decoder[T]) -> tuple[Write, T]:
        """A write to its path alone, with its body decoded. Raises Problem, and ClientGone."""
        write = await self.read(request.scope, request.receive)
        return write.to(request.scope["path"]), decode(decoder, write.body)

    async def read(
        self, scope: Scope, receive: Receive, *, keyed: bool = True, media_type: bytes = b"application/json"
    ) -> Write:
        """The key, the body and its digest. Raises Problem 400, 401, 408, 413 or 415, and ClientGone.

        `keyed` False: for what must not be answered alike twice, such as signing in; the key is "" then. `media_type`
        b"": there is nothing to say but the path, so a body may be left out.
        """
        headers = headers_of(scope)
        checked = _key(headers.get(b"idempotency-key")) if keyed else ""
        principal = scope.get(PRINCIPAL)
        if principal is not None and keyed:
            # Each caller's keys are his own: nobody meets another's answer, or keeps him from his. And callers make
            # them of what they have, order references say: only a keyed digest is remembered.
            checked = f"{principal.subject}:{self._key_digest(checked)}"
        if media_type:
            _check_type(headers.get(b"content-type", b""), media_type)
        encoding = headers.get(b"content-encoding")
        if encoding and encoding.lower() != b"identity":
            raise _header_problem("request.content_type", "Compressed bodies are not taken.", "Content-Encoding")
        length = headers.get(b"content-length")
        body_max = min(self._body_max, OPEN_BODY_MAX) if OPEN_TO_ALL in scope else self._body_max
        if length and (len(length) > 18 or not length.isdigit() or int(length) > body_max):
            raise _too_large(body_max)
        check_target(scope)
        body = await self._in_time(scope, receive, body_max)
        _check_body(body, media_type)
        return Write(checked, body, digest_of(body))

    async def _in_time(self, scope: Scope, receive: Receive, body_max: int) -> bytes:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        begun = loop.time()
        self._reading[task] = begun + self._timeout_s
        if self._timer is None:
            self._timer = loop.call_later(self._timeout_s, self._sweep, loop)
        try:
            body = await _read(receive, body_max)
        except asyncio.CancelledError:
            if task not in self._overdue:
                raise
            task.uncancel()
            close = ((b"connection", b"close"),)
            detail = f"The body did not arrive within {self._timeout_s:g} seconds."
            raise Problem("body.too_slow", detail, headers=close) from None
        finally:
            del self._reading[task]
            self._overdue.discard(task)
        if loop.time() - begun >= LATE_S:
            self._check_again(scope)
        return body

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ends the reading of bodies that are overdue, and comes back while any is being read."""
        now = loop.time()
        for task, deadline in self._reading.items():
            if deadline <= now and task not in self._overdue:
                self._overdue.add(task)
                task.cancel()
        self._timer = loop.call_later(self._timeout_s / 4, self._sweep, loop) if self._reading else None


async def _read(receive: Receive, body_max: int) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > body_max:
            raise _too_large(body_max)
        return body
    parts, total = [body], len(body)
    while message.get("more_body", False):
        if total > body_max:
            raise _too_large(body_max)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        total += len(parts[-1])
    if total > body_max:
        raise _too_large(body_max)
    return b"".join(parts)


def decode(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, base: str = "") -> T:
    """The body as a struct. Raises Problem 400 (no JSON) or 422 (wrong); `base` is the pointer of what is decoded."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        # It stopped at the first thing that is wrong for us; what is no JSON at all is told
        # as that, wherever it breaks.
        _check_json(body, base)
        raise _invalid(str(error), base, decoder.type) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        _check_json(body, base)
        raise Problem("body.malformed_json", "The body can't be read.", errors=[_place(base, "unreadable")]) from None


def _check_json(body: bytes | msgspec.Raw, base: str) -> None:
    """Raises Problem 400 when it is not UTF-8 or not JSON."""
    try:
        bytes(body).decode()
        _json_decoder.decode(body)
    except msgspec.ValidationError:
        # A number too large for any type of ours: that is JSON.
        return
    except UnicodeDecodeError as error:
        detail = f"not UTF-8 (byte {error.start})"
        raise Problem("body.not_utf8", f"The body is {detail}.", errors=[_place(base, detail)]) from None
    except msgspec.DecodeError as error:
        raise Problem("body.malformed_json", f"{error}.", errors=[_place(base, str(error))]) from None
    except RecursionError:
        detail = "The body is nested too deeply."
        raise Problem("body.malformed_json", detail, errors=[_place(base, detail)]) from None


def _place(pointer: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "detail": detail}


# `[...]` is some value of a mapping, which one is not said: the mapping is told.
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\[\.\.\.\]")
_FIELD = re.compile(r"^Object (contains unknown|missing required) field `(.*)`$", re.DOTALL)
_NO_WORD = ("Invalid enum value ", "Invalid value ")
_REGEX = " matching regex "
_NAME_CHARS_MAX = 100
# Of an object's fields, so many are named to who sent another one.
_FIELDS_SHOWN_MAX = 30


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_FIELDS_SHOWN_MAX])
    return shown if len(names) <= _FIELDS_SHOWN_MAX else f"{shown} and {len(names) - _FIELDS_SHOWN_MAX} more"


def _invalid(message: str, base: str, kind: Any) -> Problem:
    """What msgspec says as "… - at `$.lines[0].sku`" of a value of type `kind`; that becomes a code, a
    detail and a JSON pointer."""
    what, at, path = message.rpartition(" - at `$")
    if not at:
        what, path = message, ""
    steps = [name or number for name, number in _STEP.findall(path.removesuffix("`"))]
    pointer = base + "".join(f"/{step}" for step in steps if step)
    code = "body.invalid"
    field = _FIELD.match(what)
    if field is not None:
        code = "body.unknown_field" if field[1].startswith("contains") else "body.missing_field"
        name = field[2][:_NAME_CHARS_MAX]
        pointer += "/" + escaped(name)
        what = f"Unknown field `{name}`" if code == "body.unknown_field" else f"Field `{name}` is required"
        if code == "body.unknown_field" and (known := fields_at(kind, steps)):
            what += f": there {'is' if len(known) == 1 else 'are'} {_some(known)}"
    elif what.startswith(_NO_WORD) and (words := words_at(kind, steps)):
        what = f"{what}: it is one of {', '.join(words)}"
    elif _REGEX in what and (look := look_at(kind, steps)):
        what = f"Expected {look}"
    return Problem(code, f"{what}.", errors=[_place(pointer, what)])
