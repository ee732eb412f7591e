"""What each role may do: the permission table itself, in words."""
