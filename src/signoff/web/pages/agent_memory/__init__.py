"""What one agent keeps between runs: entries to read, correct and erase, and the move to another scope."""
