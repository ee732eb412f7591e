"""Ask for an evaluation: what is tried, on which examples, beside what serves where, and what it may cost."""
