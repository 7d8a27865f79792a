"""Entities of a cell: pure decisions in `domain/`, what keeps them alive in `runtime/`, where they
are kept in `storage/`."""
