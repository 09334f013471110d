"""The log of a stream, and reads of it."""
