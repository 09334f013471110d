"""The engine that asks a real server: S2's API, answered by an upstream, below the powers."""
