"""Run an agent now, on one input, and go on to watch it."""
