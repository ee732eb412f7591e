"""The secrets of connections: entered, replaced, deleted, and never shown."""
