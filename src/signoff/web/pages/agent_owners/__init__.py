"""Who answers for one agent: ask, accept, decline, withdraw; when they work and how they are reached."""
