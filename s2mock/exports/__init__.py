"""What a journal is written to: cassettes, and histories for a check of linearizability."""
