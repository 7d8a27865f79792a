"""Transfers between locations, and which there should be."""
