"""The longest retention that an account may set. Source: reference: account_services §5."""

from s2mock.registry.operation import Context
from s2mock.registry.values.config import StreamConfig
from s2mock.registry.values.errors import RetentionTooLong


def check_retention(context: Context, config: StreamConfig) -> None:
    """Check the retention of a configuration, if it sets one. Raises `RetentionTooLong`."""
    longest, given = context.settings.limits.retention, config.retention_policy
    if longest is None or given is None:
        return
    if isinstance(given, str) or given > longest:
        raise RetentionTooLong(given, longest)
