"""Freezes: "stop writing, now" for one agent, one connection, or a whole workspace, until someone lifts it."""
