"""Service accounts: whom automation's keys belong to."""
