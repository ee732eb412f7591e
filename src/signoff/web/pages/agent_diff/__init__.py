"""What changed between any two revisions, or a revision and the draft."""
