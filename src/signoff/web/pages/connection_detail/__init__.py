"""One connection: whether it works, the tools it offers and what each may do, its secrets, and who uses it."""
