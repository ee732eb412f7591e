"""What follows the release of one agent: its first week day by day, and its reviews."""
