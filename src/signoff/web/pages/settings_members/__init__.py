"""The people of a workspace: who they are, their role, and how they get in."""
