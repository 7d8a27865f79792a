"""Orders that wait at a store for their customers."""
