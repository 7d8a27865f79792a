"""Devices of a location: enrolled by its manager, claimed once by a code, signing in by a key of their own."""
