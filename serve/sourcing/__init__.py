"""Sourcing policies: from where orders are served, and what for."""
