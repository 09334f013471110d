"""The HTTP client of the cases, which the package itself uses too."""

from s2mock.runtime.http_client import Answer, Client, Error, segment

__all__ = ["Answer", "Client", "Error", "segment"]
