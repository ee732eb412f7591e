"""Make a connection: choose its kind, say where it leads, go on to test it."""
