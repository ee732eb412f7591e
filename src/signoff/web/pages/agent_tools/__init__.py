"""The tools of an agent: for each slot the connection in each environment, and for each tool what it may do."""
