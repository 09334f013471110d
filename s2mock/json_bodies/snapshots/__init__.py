"""Snapshots in files: JSON lines that a person can read, compare and write by hand.

The first line has the version of the format and the time of the snapshot. Then comes each basin,
below it each of its streams, below that each of its records. Whatever a line does not say is as
if it had just been made: so a file may be as short as one likes.
"""
