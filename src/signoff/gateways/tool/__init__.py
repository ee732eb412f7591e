"""The tool gateway: the one door to an outside system."""
