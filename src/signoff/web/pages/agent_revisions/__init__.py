"""The revisions of an agent: who froze each and why, which serve where, and making one live."""
