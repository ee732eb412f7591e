"""What somebody opens when an agent does something wrong: stop it, go back, cut it off, and whom to call."""
