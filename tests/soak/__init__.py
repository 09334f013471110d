"""A soak: mixed valid and hostile load against the standalone server, for as long as you like.

`python -m tests.soak --seconds 600`. pytest collects nothing here.
"""
