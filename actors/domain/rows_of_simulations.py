"""Rows of the cell's what-ifs. See `rows.py`."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class SimulationRow(msgspec.Struct, array_like=True, gc=False):
    """One what-if with its whole state: MessagePack of `simulations.Simulation`. version: of all of
    them when it last changed."""

    table: ClassVar[str] = "simulations"
    key: ClassVar[tuple[str, ...]] = ("simulations_id", "simulation_id")
    append_only: ClassVar[bool] = False
    change: ClassVar[bool] = False

    simulations_id: str
    simulation_id: str
    version: int
    state: bytes
    gone: bool = False
