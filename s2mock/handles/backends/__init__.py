"""Backends: where the calls of a handle are carried out, in this process or over HTTP."""
