"""An account as JSON, for the control API and its page: exchanges, streams, records, status."""
