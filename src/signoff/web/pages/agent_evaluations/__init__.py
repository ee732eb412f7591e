"""How good an agent is: its datasets, how its answers are scored, and its evaluations."""
