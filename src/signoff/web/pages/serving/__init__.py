"""The board of environments: which revision of which agent serves where, since when, by whom."""
