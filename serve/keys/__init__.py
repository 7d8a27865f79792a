"""Keys for what is sealed at rest: a data key per customer, wrapped by the region's key."""
