"""The published description of S2's API, and what the fake's responses are checked for against it.

`openapi.json` is S2's own OpenAPI 3.1 file, info version 1.0.0, from the specs repository of S2
at commit `f7c8dd3`, with the contents of May 2026. It is kept as it was published: what it does
not describe, or describes wrongly, is in `s2mock.contract.schema_gaps`, and nothing is corrected in
the file.
"""
