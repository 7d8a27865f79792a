"""Is it alive, can it serve, and how is it."""
