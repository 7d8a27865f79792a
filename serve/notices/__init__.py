"""What has to reach people by other ways than ours: a port, and what stands behind it by default."""
