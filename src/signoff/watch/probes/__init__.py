"""Machine-checked items of the checklists: what is measured, against which bar, how fresh, and how grave a no is."""
