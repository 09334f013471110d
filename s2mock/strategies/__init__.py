"""Hypothesis strategies for values that S2 accepts, for values that it refuses, and for faults.

They need Hypothesis: `pip install s2mock[hypothesis]`.
"""

try:
    import hypothesis  # noqa: F401
except ImportError as error:  # pragma: no cover
    raise ImportError(
        "s2mock.strategies needs Hypothesis: pip install 's2mock[hypothesis]'"
    ) from error

from s2mock.strategies.configs import (
    basin_configs,
    invalid_basin_configs,
    invalid_stream_configs,
    stream_configs,
)
from s2mock.strategies.faults import fault_plans, faults
from s2mock.strategies.names import (
    basin_names,
    invalid_basin_names,
    invalid_request_tokens,
    invalid_stream_names,
    request_tokens,
    stream_names,
)
from s2mock.strategies.records import (
    append_records,
    batches,
    invalid_append_records,
    invalid_batches,
)
from s2mock.strategies.refusals import Refused

__all__ = [
    "Refused",
    "append_records",
    "basin_configs",
    "basin_names",
    "batches",
    "fault_plans",
    "faults",
    "invalid_append_records",
    "invalid_basin_configs",
    "invalid_basin_names",
    "invalid_batches",
    "invalid_request_tokens",
    "invalid_stream_configs",
    "invalid_stream_names",
    "request_tokens",
    "stream_configs",
    "stream_names",
]
