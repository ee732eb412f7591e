"""The connections of a workspace: what they link to, whether they work, and who would miss them."""
