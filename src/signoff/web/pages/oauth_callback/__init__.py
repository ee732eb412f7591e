"""Where an OAuth provider sends a person back to: the code becomes tokens, or the reason is told in words."""
