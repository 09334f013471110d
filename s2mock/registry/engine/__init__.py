"""The engine: it carries operations out, one at a time."""
