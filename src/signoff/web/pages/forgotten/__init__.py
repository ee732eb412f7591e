"""A forgotten password: have a one-time link mailed to oneself."""
