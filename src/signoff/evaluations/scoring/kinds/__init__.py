"""The kinds of evaluators: one file each."""
