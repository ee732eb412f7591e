"""How members of the workspace sign in: with which methods, and whether with a second factor."""
