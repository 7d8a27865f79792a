"""Who calls, and how far his rights reach. In a cell that knows nobody everybody may do everything, everywhere."""

from __future__ import annotations

from serve.context import ENTITY_ID, PRINCIPAL, Scope
from serve.identity.guard import Principal
from serve.problems import Problem


def caller_of(scope: Scope) -> Principal | None:
    """Who calls; None in a cell that knows nobody."""
    principal: Principal | None = scope.get(PRINCIPAL)
    return principal


def subject_of(scope: Scope) -> str:
    """The caller's id; "" in a cell that knows nobody."""
    principal = caller_of(scope)
    return "" if principal is None else principal.subject


def may_correct(scope: Scope) -> bool:
    """May the caller correct stock? He may then also decide counts, and take trips away from others."""
    principal = caller_of(scope)
    return principal is None or "stock.adjust" in principal.permissions


def reach_of(scope: Scope) -> list[str]:
    """The locations that the caller's rights reach, in order; empty for the whole region."""
    principal = caller_of(scope)
    return sorted(principal.locations) if principal is not None and principal.locations else []


def places_asked(scope: Scope, location_id: str | None) -> list[str] | None:
    """The locations of which a list tells: the one that is asked for, else all in reach; None for the whole
    region. Raises Problem 403."""
    if location_id is None:
        return reach_of(scope) or None
    check_reaches(scope, location_id)
    return [location_id]


def check_reaches(scope: Scope, location_id: str) -> None:
    """Raises Problem 403 when the caller's rights end at other locations."""
    principal = caller_of(scope)
    if principal is not None and principal.locations and location_id not in principal.locations:
        # For the audit: the place, unless the call is about something there.
        scope.setdefault(ENTITY_ID, location_id)
        raise Problem("auth.location_forbidden", f"Your rights don't reach {location_id}.")


def check_may(scope: Scope, permission: str) -> None:
    """Raises Problem 403 when the caller lacks the permission."""
    principal = caller_of(scope)
    if principal is not None and permission not in principal.permissions:
        raise Problem("auth.forbidden", f"This needs the permission {permission}.", extra={"permission": permission})


def check_reaches_all(scope: Scope, detail: str) -> None:
    """Raises Problem 403, with that detail, when the caller's rights end at some locations."""
    if reach_of(scope):
        raise Problem("auth.location_forbidden", detail)
