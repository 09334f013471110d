"""S2's HTTP API over the registry, without I/O: one module for each resource of the URL tree."""
