"""Orders: placing, updating one by one and in bodies, reading, listing."""
