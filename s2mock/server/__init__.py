"""An HTTP server, HTTP/1 and HTTP/2 in cleartext on one port, and a WSGI driver; nothing of S2.

The page docs/explanation/architecture.md gives the reasons for a server of our own.
"""
