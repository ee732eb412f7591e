"""The steps from one schema to the next, in order. Each is additive: the old release still serves while it runs."""
