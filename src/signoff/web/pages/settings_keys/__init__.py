"""API keys: made for a program, shown once, rotated, revoked."""
