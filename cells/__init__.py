"""A region as it runs: its config, ports, stores, Ray cluster, keeper and command line."""
