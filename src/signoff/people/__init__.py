"""People: workspaces, environments, members, sessions, API keys, and who may do what.

Every question of access is answered by `access.authorize` over the one table in `roles.py`. Secrets of people
(passwords, session tokens, setup links, keys) are stored hashed and shown once.
"""
