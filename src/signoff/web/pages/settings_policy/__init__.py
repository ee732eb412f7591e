"""What this workspace asks before something ships: the policy file, its versions, and what a change would do."""
