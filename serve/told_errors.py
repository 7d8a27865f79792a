"""Whatever goes wrong in FastAPI's part is told as a problem: refusals, parameters that are none, paths and methods
that there are not, crashes."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from serve.context import REQUEST_ID, Receive, Scope, Send
from serve.endpoint_needs import NEEDS
from serve.heads import with_head
from serve.problems import Answer, Problem
from serve.requests import ClientGone
from serve.responses import AnswerResponse
from serve.services import Services


def tell_errors(app: FastAPI, services: Services, methods_of: dict[str, set[str]]) -> None:
    """The handlers. `methods_of`: of all paths, for what is asked of one in another way."""

    async def told(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        services.metrics.refused(error.code)
        _note_refusal(services, request, error)
        return _respond(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        problem = _of_validation(error)
        _note_refusal(services, request, problem)
        return _respond(request, problem)

    app.add_exception_handler(Problem, told)
    app.add_exception_handler(ClientGone, _gone)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, _crashed)

    async def unrouted(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _unrouted(methods_of, request, error, guarded=services.guard.required)

    app.add_exception_handler(HTTPException, unrouted)


def _respond(request: Request, problem: Problem) -> Response:
    return AnswerResponse(problem.answer(request.scope[REQUEST_ID]))


class _Nothing(Response):
    """For a caller who is gone."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pass


async def _gone(request: Request, error: Exception) -> Response:
    return _Nothing()


async def _crashed(request: Request, error: Exception) -> Response:
    return AnswerResponse(fault(request.scope[REQUEST_ID]))


def fault(request_id: str) -> Answer:
    """What is told of a crash: nothing but the id."""
    return Problem("request.fault", "Something went wrong. Tell us the request id.").answer(request_id)


def _note_refusal(services: Services, request: Request, problem: Problem) -> None:
    template = getattr(request.scope.get("route"), "path_format", "")
    services.trail.refused(request.scope, problem, f"{request.method} {template}")


def _of_validation(error: Exception) -> Problem:
    """Parameters of the path, the query and headers; bodies are read by `requests.py`."""
    assert isinstance(error, RequestValidationError)
    places = []
    for found in error.errors():
        where, name = found["loc"][0], str(found["loc"][-1])
        places.append({"header" if where == "header" else "parameter": name, "detail": str(found["msg"])})
    detail = "; ".join(f"{place.get('parameter') or place.get('header')}: {place['detail']}" for place in places)
    return Problem("request.parameter_invalid", detail, errors=places)


def _unrouted(
    documented: Mapping[str, set[str]], request: Request, error: HTTPException, *, guarded: bool
) -> Response:  # fmt: skip
    """404, or 405 with all methods that the path has."""
    path = request.url.path
    # A path that is written out is not one of a template that would fit it, too.
    templates = [path] if path in documented else [template for template in documented if _fits(template, path)]
    allowed = {method for template in templates for method in documented[template]}
    if error.status_code == 405 and error.headers and not allowed:
        # What the document does not tell of: the pages of the documentation.
        allowed = set(error.headers.get("Allow", "GET").split(", "))
    if allowed:
        methods = ", ".join(sorted(with_head(path, allowed)))
        problem = Problem(
            "request.method_not_allowed", f"This resource knows {methods}.", headers=((b"allow", methods.encode()),)
        )
        return _respond(request, problem)
    detail = "There is no such resource; see /docs."
    if not guarded and any(_fits(template, path) for _, template in NEEDS):
        detail = (
            "This resource is of a cell that knows who asks; in this one identity is off (make up IDENTITY=required)."
        )
    return _respond(request, Problem("request.route_unknown", detail))


def _fits(template: str, path: str) -> bool:
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(w == g or (w[:1] == "{" and g) for w, g in zip(wanted, given, strict=True))
