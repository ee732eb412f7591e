"""Requests for access: ask for a role or a level, and decide what others ask for."""
