"""The workspaces of the installation, for instance administrators: names and counts, never what is inside."""
