"""The probes, one file for each group of items."""
