"""JSON documents: bodies, headers, resource files and snapshots, to and from the registry's values.

The package is below the API, since resource files and clients of real servers need it too.
"""
