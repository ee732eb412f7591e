"""The incidents of the workspace: those that are under way first, the worst on top; then what became of the others."""
