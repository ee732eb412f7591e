"""One agent at a glance: what it does, what serves where, who answers for it, how it goes, and what bounds it."""
