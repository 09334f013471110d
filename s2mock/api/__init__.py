"""The WSGI app: S2's HTTP API over the registry, one module for each resource of the URL tree."""
