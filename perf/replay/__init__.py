"""Replay of real order traces through the router; the format and every special case stand in README.md."""
