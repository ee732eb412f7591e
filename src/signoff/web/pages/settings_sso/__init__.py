"""Single sign-on of a workspace: its identity providers, who came in through them, and whether passwords still work."""
