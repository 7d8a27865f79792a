"""Who does what in the load test: customers, store associates, warehouse staff, and the shape of a Black Friday."""
