"""How an agent's answers are scored: its evaluators, their weights, and the form of each kind."""
