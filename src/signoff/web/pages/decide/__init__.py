"""The page behind a one-time link of a mail: one request, answered as one member, without signing in."""
