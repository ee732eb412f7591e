"""The list of agents: who answers for each, what serves where, how it goes today, and what to do next."""
