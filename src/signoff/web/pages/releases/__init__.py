"""Every release of the workspace, newest first: what is under way, and what became of the others."""
