"""The audit log: who did what, found, checked for gaps, and taken away."""
