"""Faults planted on purpose, to see that the checks bite."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.world import Parts

PLANTS: dict[str, Callable[[], Parts]] = {}
