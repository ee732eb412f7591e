"""How one connection signs in by OAuth: found out, set up, authorised, refreshed, ended."""
