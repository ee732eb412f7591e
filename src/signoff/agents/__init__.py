"""Agents: what does the work, the draft people edit, and the revisions that never change.

A revision is everything an agent is, frozen and named by the hash of its content. Nothing here decides which
revision serves; that is `deployments`.
"""
