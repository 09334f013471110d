"""Settings of a run of the suite, which its modules read when they are imported."""

NAME_BYTES = 25
"""The length of the basins' names: requests byte by byte have one of this length in them."""

MAX_PREFIX_BYTES = 16
"""The greatest length of `basin_prefix`, so that enough of a name is random."""

basin_prefix = "contract-"
"""The beginning of the names of all basins that the suite creates, and of the ids of tokens."""

basin_endpoint: str | None = None
"""The URL with `{basin}` in its host to which requests for streams are sent; None for none."""

token = "s2mock"
"""The token in requests that are sent byte by byte; on a fake it is the account's own."""
