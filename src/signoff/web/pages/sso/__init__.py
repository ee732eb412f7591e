"""Single sign-on for visitors: find the workspace's provider, go there, come back, or be told why not."""
