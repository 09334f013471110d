"""A small load generator of our own, so that the benchmarks need nothing but Python.

It runs in a process of its own. Requests are put together from bytes encoded beforehand, so that
the limit is the server, also a bare one. Every answer is checked for its status.
"""
