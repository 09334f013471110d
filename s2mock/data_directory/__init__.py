"""The data directory: an account in files, which outlives its process.

`state-N` is an account as a whole, `log-N` the changes since. Each is a sequence of frames. A
change is written to the log before it takes effect, so no answer tells of one that is not kept.
When a log has grown long, a new pair is begun.
"""
