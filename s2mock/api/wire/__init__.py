"""Bytes of the data plane: JSON, protobuf, S2S frames, SSE; to and from the registry's values."""
