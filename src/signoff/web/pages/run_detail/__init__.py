"""One run, step by step, while it happens and afterwards: what was asked, done, refused, spent, and why."""
