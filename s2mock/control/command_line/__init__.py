"""The commands of the standalone server: serve, run a command, replace `s2 lite`, show proof."""
