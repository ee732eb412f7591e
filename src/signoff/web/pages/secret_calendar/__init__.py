"""Which secrets run out, and when: the nearest first."""
