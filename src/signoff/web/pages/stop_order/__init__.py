"""One order to stop: who gave it and why, what it hit, how far it is, and when each worker knew."""
