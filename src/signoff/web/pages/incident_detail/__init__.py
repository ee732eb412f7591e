"""One incident: where it stands, what has to be done, who did what and when, the runs that show it, the postmortem."""
