"""Snapshots in files: JSON lines that you can read, compare and write by hand.

The first line has the version of the format and the time of the snapshot. A line for each basin
follows, below it one for each of its streams, below that one for each of its records. A field that
is missing has the value of a new basin, stream or record. So a file can be short.
"""
