"""Live streams (server-sent events) of order and stock changes, for screens."""
