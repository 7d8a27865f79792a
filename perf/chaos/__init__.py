"""Kills and pauses parts of a real cell under load, then compares what clients were told with what is there."""
