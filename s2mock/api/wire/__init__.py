"""Codecs of the data plane, between the registry's values and JSON, protobuf, S2S or SSE."""
