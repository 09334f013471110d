"""A small load generator, so that the benchmarks need only Python.

It runs in a process of its own. Requests are assembled from bytes that were encoded before, so that
the server is the bottleneck, also a minimal one. The status of every answer is checked.
"""
