"""Journal and store in memory. They pass the same tests as the real ones (`tests/integration/storage/`)."""
