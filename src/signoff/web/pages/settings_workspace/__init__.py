"""What holds for the whole workspace: its name, and when its days begin."""
