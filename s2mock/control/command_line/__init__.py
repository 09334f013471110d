"""The commands of the standalone server beside serving."""
