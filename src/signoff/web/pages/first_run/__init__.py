"""The page behind a one-time link: choose a password, and come in."""
