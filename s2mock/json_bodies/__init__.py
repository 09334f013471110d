"""JSON documents: what a body, a header or a resource file may say, and what S2 says back.

Below the API, since resource files and real servers need them too.
"""
