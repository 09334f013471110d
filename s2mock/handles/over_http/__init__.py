"""The powers of a standalone s2mock, by its control API: what `RemoteS2Mock` has of `S2Mock`."""
