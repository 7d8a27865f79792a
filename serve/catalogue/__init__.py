"""The catalogue: which SKUs the region sells."""
