"""What each role may do, the roles of this workspace, what a level on an agent allows, and who deploys where."""
