"""The list of runs: what happened, what runs now, what needs a person, and calling several off at once."""
