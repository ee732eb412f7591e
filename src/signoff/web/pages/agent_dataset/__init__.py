"""One dataset: its examples, how they come and go, and when it is evaluated by itself."""
