"""The router's own answers, as RFC 9457 problem details in the shape that the cells use.

Pure. A problem becomes a HAProxy log-format string: fixed JSON in which `%[…]` puts the request's own values in,
JSON-encoded, so that nothing a caller sends can break out of the body.
"""

import json

import msgspec

CONTENT_TYPE = "application/problem+json"
REQUEST_ID = "var(txn.request_id)"
# What browsers are told with every answer of our own; cells say it themselves.
_ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_POLICY = "Content-Security-Policy"
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Whoever opens one as a page sees text that loads, runs and sends nothing.
_FOR_BROWSERS = _ALWAYS | {_POLICY: f"{_NOTHING}; sandbox"}
# The one style sheet of HAProxy's statistics page. It is the same in all of a version; with
# another the page has no colours.
_STATISTICS_STYLE = "3TId5T17NC4iBRXTtHiJvLI47UrjWwR/owrLd36I7o0="
# Its two style attributes: `text-decoration: none;` and `margin-top: 0.25em;`. Its icon is an empty `data:`. What of
# these is refused stands in the browser's console anew at each refresh, where nobody would see anything else.
_STATISTICS_ATTRIBUTES = (
    "tIs8OfjWm8MHgPJrHv7mM4wvA/FDFcra3Pd5icRMX+k=",
    "0HS2MPO1ngjCxEyHLXmm+v9sH/jCHZrQB90RvapNKxM=",
)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of answer: HTTP `status`, stable `code`, and what a person reads."""

    status: int
    code: str
    title: str
    detail: str


REGION_UNKNOWN_HEADER = Problem(
    status=400,
    code="router.region_unknown",
    title="Unknown region",
    detail="X-OCEFS-Region must be given once, with one of the regions listed in this problem.",
)
REGION_UNKNOWN_ID = Problem(
    status=404,
    code="router.region_unknown",
    title="Unknown region",
    detail="The id in the path must begin with one of the regions listed in this problem and a dash.",
)
BODY_TOO_LARGE = Problem(
    status=413,
    code="router.body_too_large",
    title="Body too large",
    detail="The body is larger than the router passes on; send it in parts.",
)
HEADERS_TOO_LARGE = Problem(
    status=431,
    code="router.headers_too_large",
    title="Headers are too large",
    detail="The request's line or headers are larger than the router passes on.",
)
ONLY_READ = Problem(
    status=405,
    code="router.method_not_allowed",
    title="Method not allowed",
    detail="This path of the router's own is only read: GET, or HEAD.",
)
NOT_PUBLIC = Problem(
    status=404,
    code="router.not_public",
    title="Not public",
    detail="This path is answered inside the cell only.",
)
CELL_UNAVAILABLE = Problem(
    status=503,
    code="router.cell_unavailable",
    title="Region unavailable",
    detail="The region's cell does not answer or has no room at the moment. Try again after Retry-After seconds.",
)
NO_CELL = Problem(
    status=503,
    code="router.not_ready",
    title="No region available",
    detail="No region's cell answers at the moment.",
)

# What is not HTTP at all, or has a head beyond HAProxy's buffer, never becomes a request: it gets HAProxy's own bare
# 400, which can't be told otherwise; it is better than silence to who sends a key of a megabyte. Of a head that does
# not come (408) nobody waits for an answer.
NO_REQUEST = (408,)
# What HAProxy itself finds on a request, by status; those of NO_REQUEST once it has a cell. After 502 and 504 the
# cell may have done the work.
_UNKNOWN_OUTCOME = "The outcome is not known: repeat a write with the same Idempotency-Key."
HAPROXY_ERRORS: tuple[Problem, ...] = (
    Problem(
        status=400,
        code="router.bad_request",
        title="Bad request",
        detail="The request is not valid HTTP.",
    ),
    Problem(
        status=408,
        code="router.request_timeout",
        title="Request too slow",
        detail="The request did not arrive whole in time.",
    ),
    Problem(
        status=500,
        code="router.internal",
        title="Router error",
        detail="The router could not handle the request.",
    ),
    Problem(
        status=502,
        code="router.cell_broke_off",
        title="Region broke off",
        detail=f"The region's cell broke the connection off. {_UNKNOWN_OUTCOME}",
    ),
    CELL_UNAVAILABLE,
    Problem(
        status=504,
        code="router.cell_timeout",
        title="Region too slow",
        detail=f"The region's cell did not answer in time. {_UNKNOWN_OUTCOME}",
    ),
)


def quoted(text: str) -> str:
    """`text` as one word of a HAProxy configuration file, taken literally. Raises ValueError on control characters."""
    if not text.isprintable():
        raise ValueError(f"{text!r} holds a character that a configuration file can't carry")
    return "'" + text.replace("'", "'\\''") + "'"


def body(problem: Problem, extra: dict[str, str | list[str]]) -> str:
    """The problem's JSON as a quoted log-format string; `extra` are further members."""
    text = _json(problem, extra).replace("%", "%%")
    return quoted(f'{text[:-1]},"request_id":"%[{REQUEST_ID},json(utf8s)]"}}')


def _json(problem: Problem, extra: dict[str, str | list[str]]) -> str:
    members: dict[str, object] = {
        "type": f"urn:ocefs:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        **extra,
    }
    return json.dumps(members, separators=(",", ":"))


def own_headers() -> str:
    """The `hdr` arguments of each answer of our own."""
    told = " ".join(f"hdr {name} {quoted(value)}" for name, value in _FOR_BROWSERS.items())
    return f"{told} hdr X-Request-Id %[{REQUEST_ID}]"


def for_statistics() -> list[str]:
    """Rules for HAProxy's own page and figures."""
    style = f"style-src 'sha256-{_STATISTICS_STYLE}'"
    hashes = " ".join(f"'sha256-{one}'" for one in _STATISTICS_ATTRIBUTES)
    told = _ALWAYS | {_POLICY: f"{_NOTHING}; img-src data:; {style}; style-src-attr 'unsafe-hashes' {hashes}"}
    return [f"http-after-response set-header {name} {quoted(value)}" for name, value in told.items()]


def answer(problem: Problem, extra: dict[str, str | list[str]] | None = None) -> str:
    """The rest of an `http-request return` rule that answers with the problem."""
    return (
        f"return status {problem.status} content-type {CONTENT_TYPE} lf-string {body(problem, extra or {})} "
        + own_headers()
    )


def error(problem: Problem, extra: dict[str, str | list[str]], retry_after_s: int) -> str:
    """An `http-error` line: what callers get instead of HAProxy's own page."""
    line = f"http-error status {problem.status} content-type {CONTENT_TYPE} lf-string {body(problem, extra)}"
    line += f" {own_headers()}"
    return line + (f" hdr Retry-After {retry_after_s}" if problem.status >= 502 else "")
