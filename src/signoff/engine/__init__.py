"""The engine: runs legs, carries outbox messages up, resumes what waited, takes over from the dead."""
