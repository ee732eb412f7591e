"""What a shadow would have done beside what was done, pair by pair, for people to judge."""
