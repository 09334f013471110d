"""The data directory: files that keep an account after its process has ended.

`state-N` is a whole account, `log-N` the changes since then. Each is a sequence of frames. A change
is written to the log before it takes effect, so no answer shows a change that is not kept. When a
log has grown long, another pair replaces both.
"""
