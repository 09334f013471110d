"""`/v1/streams/{stream}/records`: append, read and tail, each form of them in its module."""
