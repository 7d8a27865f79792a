"""Cycle counts: opening them, counting spot by spot while stock moves, and what is due to be counted."""
