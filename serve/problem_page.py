"""The page of all codes that people read, `docs/errors.md`."""

from __future__ import annotations

from collections.abc import Mapping

from serve.problem_codes import TABLE, Entry

_HEAD = """# What a refusal is answered with

Made from `serve/problem_codes/` by `python -m serve errors`; a test compares the two. The API's document has the same list, as `x-extensible-enum` of `ProblemBody.code`.

Everything but a success is a problem (RFC 9457, `application/problem+json`):

```
{"type": "urn:ocefs:problem:order.illegal_transition", "title": "…", "status": 409, "detail": "…", "code": "order.illegal_transition",
 "request_id": "r-…", "errors": [{"pointer": "/lines/0/sku", "detail": "…"}], "order_status": "shipped"}
```

`code` is stable: once given out, it keeps its meaning and its status. New ones are added, so take a code that you don't know by its status. `title` and `detail` are for
people, and their words may change. `errors`, where it is there, names each place that is wrong: a JSON pointer into the body, a parameter or a header. Further members are facts that
belong to the code. `request_id` is also in `X-Request-Id`; the logs and the audit have it.

| status | what to do |
|---|---|
| 400, 404, 405, 415, 422 | the request itself is wrong: correct it; the same again is refused again |
| 401 | sign in, or give the fresh second factor that `WWW-Authenticate` asks for, then repeat |
| 403 | these rights, or this second factor, are not enough: somebody else has to, or another proof is needed |
| 408 | the body came too slowly: repeat with the same `Idempotency-Key` |
| 409 | the request is fine, and what it is about has to change first: read that again |
| 413, 431 | send less at once |
| 421 | another region serves this (`region` says which): send `X-OCEFS-Region`, or go there |
| 429, 503 | wait for `Retry-After` seconds, then repeat with the same `Idempotency-Key` |
| 500 | a fault of ours: nothing, or all of it, was done; repeat with the same `Idempotency-Key`, and tell us `request_id` |

The router's own answers have codes that begin with `router.` (`router/problems.py`). What is no HTTP at all, or has a head of more than twice the router's `header_bytes_max` (30 KB), gets a bare 400 from HAProxy: a page, and no problem; so it does from Serve's own ingress. A head that does not come in time is hung up on. `POST /v1/oauth/token` refuses as OAuth 2 says (RFC 6749, 5.2).

"""


def page() -> str:
    """All of it: the head, then each noun's codes in the order of the table."""
    nouns: dict[str, dict[str, Entry]] = {}
    for code, entry in TABLE.items():
        nouns.setdefault(code.partition(".")[0], {})[code] = entry
    return _HEAD + "\n".join(_section(noun, nouns[noun]) for noun in sorted(nouns))


def _section(noun: str, entries: Mapping[str, Entry]) -> str:
    lines = [f"| `{code}` | {entry.status} | {entry.title} |" for code, entry in entries.items()]
    return "\n".join([f"## {noun}", "| code | status | |", "|---|---|---|", *lines, ""])
