"""Who may do what on one agent, and why: give a level, take one back."""
