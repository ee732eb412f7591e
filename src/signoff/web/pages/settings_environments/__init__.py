"""The environments of a workspace: made, renamed, moved, capped, and taken away when empty."""
