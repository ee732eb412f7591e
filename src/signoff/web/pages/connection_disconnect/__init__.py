"""What stops when a connection is disconnected, shown before it is done; and the button that does it."""
